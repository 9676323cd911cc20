/**
 * Grouping: what Map.groupBy does, which Node 20 lacks.
 * @module
 */

/** Items by key, keys in the order in which they first appear. */
export function groupBy<K, V>(items: readonly V[], keyOf: (item: V) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}
