/**
 * One event as one line: `key=value`, texts with blanks or anything odd in them in quotes.
 *
 * What stands in names and reasons comes from strangers, so nothing of it can end the line or begin another key.
 * @module
 */

/** Longer texts are cut. */
const MAX_VALUE = 300;

export function logfmt(words: Readonly<Record<string, string | number>>): string {
  return Object.entries(words)
    .map(([key, value]) => `${key}=${typeof value === 'number' ? value : printText(value)}`)
    .join(' ');
}

function printText(text: string): string {
  const shown = text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}...` : text;
  if (/^[\w./:*@-]+$/.test(shown)) return shown;
  return JSON.stringify(shown).replace(/[\u007f-\uffff]/g, (char) => `\\u${hex(char)}`);
}

const hex = (char: string): string => char.charCodeAt(0).toString(16).padStart(4, '0');
