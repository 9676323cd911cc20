import t from 'tap';
import { parsePolicy } from '../../src/mta/policy-parse.ts';
import type { Problem } from '../../src/mta/policy-values.ts';

const print = ({ at, what, suggestion }: Problem): string =>
  `${at.line}:${at.column}: ${what}; ${suggestion}`;

function problemsIn(text: string): string[] {
  const parsed = parsePolicy(text);
  return parsed.kind === 'refused' ? parsed.problems.map(print) : [];
}

/** Where each problem stands, and a word of what is said. */
const refusals: [claim: string, text: string, ...said: [where: string, what: RegExp][]][] = [
  [
    'S12: use_dane alone is half of two steps',
    'use_dane = true\n',
    ['1:1', /without dane = \{\}.*two steps; write dane = \{\}/],
  ],
  [
    'S12: for one domain, too',
    '[domain."a.example"]\nuse_dane = true\n',
    ['2:1', /without dane = \{\}/],
  ],
  [
    'what Momentum writes is told what TOML wants',
    'dane {}\n',
    ['1:6', /no TOML.*; write dane = \{\}$/],
  ],
  [
    "Momentum's sections as well",
    'dane = {}\ndomain "example.com" {\n}\n',
    ['2:8', /no TOML.*; write \[domain\."example\.com"\]$/],
  ],
  [
    'an unknown key is compared with those that are known',
    'dane = {}\nuse_dan = true\n',
    ['2:1', /no option "use_dan"; did you mean use_dane\?/],
  ],
  ['letter case counts', 'TLS_Verify = "no"\n', ['1:1', /did you mean tls_verify\?/]],
  [
    'nothing is like rubbish',
    'colour = 1\n',
    ['1:1', /no option "colour"; known here: use_dane, /],
  ],
  [
    'options are put above the module, not into it',
    '[dane]\nuse_dane = true\n',
    ['2:1', /dane has no "use_dane"; write dane = \{\}, and use_dane above all sections/],
  ],
  [
    'the module is a table',
    'dane = true\n',
    ['1:8', /dane is a table, not true; write dane = \{\}/],
  ],
  [
    'a boolean in quotes',
    'dane = {}\nuse_dane = "yes"\n',
    ['2:12', /true or false, not "yes"; write use_dane = true/],
  ],
  [
    'a word that is near another',
    'tls = "requierd"\n',
    [
      '1:7',
      /one of "no", "ifavailable" or "required", not "requierd"; did you mean tls = "required"/,
    ],
  ],
  [
    'a boolean for a word',
    'tls_verify = true\n',
    ['1:14', /one of "no", "ca", "host" or "optional"/],
  ],
  [
    'a number out of its range',
    'min_dns_ttl = 3600\n',
    ['1:15', /whole number of seconds from 0 to 90, not 3600; write min_dns_ttl = 90/],
  ],
  [
    'a fraction',
    'max_dns_ttl = 1.5\n',
    ['1:15', /whole number of seconds from 1 to 604800, not 1\.5/],
  ],
  [
    'an empty list of digests would leave no record usable',
    'dane_digests = []\n',
    ['1:16', /a list of "sha2-512" or "sha2-256", not an empty list/],
  ],
  [
    'digests that are unknown or there twice',
    'dane_digests = ["sha2-256", "sha2-256", "sha2-521"]\n',
    ['1:29', /names "sha2-256" twice/],
    ['1:41', /does not know "sha2-521"; did you mean "sha2-512"\?/],
  ],
  [
    'use_dane has no binding scope (S27)',
    'dane = {}\n[binding.fast]\nuse_dane = true\n',
    ['3:1', /use_dane cannot be set in a binding; set it in a \[domain\."NAME"\] or for all/],
  ],
  [
    'a setting of the whole has no domain scope (+7)',
    '[domain."a.example"]\nmin_dns_ttl = 5\n',
    ['2:1', /min_dns_ttl cannot be set in a domain; set it for all/],
  ],
  ['an exception for everybody', 'exception = {}\n', ['1:1', /exception cannot be set for all/]],
  [
    'an exception without reason and end',
    'dane = {}\nuse_dane = true\n[domain."a.example"]\nexception = {}\n',
    ['4:13', /exception has no reason/],
    ['4:13', /exception never expires; write exception = \{ reason = /],
  ],
  [
    'an exception with an empty reason, and a day for an instant',
    'dane = {}\nuse_dane = true\n[domain."a.example"]\nexception = { reason = " ", expires = 2026-12-24 }\n',
    ['4:24', /reason is a text, not " "/],
    ['4:39', /not 2026-12-24; write expires = 2026-12-24T00:00:00Z/],
  ],
  [
    'an exception with something more',
    'dane = {}\nuse_dane = true\n[domain."a.example"]\nexception = { reason = "x", expires = 2026-12-24T00:00:00Z, expire = 1 }\n',
    ['4:61', /exception has no "expire"; it has reason or expires; did you mean expires\?/],
  ],
  [
    'a domain without quotes',
    '[domain.example.com]\ntls = "required"\n',
    ['1:9', /"example" is no mail domain; write its name in quotes/],
  ],
  ['an address', '[domain."user@a.example"]\n', ['1:9', /"user@a\.example" is no mail domain/]],
  ['a label of 64 octets', `[domain."${'a'.repeat(64)}.example"]\n`, ['1:9', /is no mail domain/]],
  [
    'two forms of one name',
    '[domain."bücher.example"]\n[domain."XN--bcher-kva.example."]\n',
    ['2:9', /the same as "bücher\.example" in line 1/],
  ],
  [
    'a section that is none',
    'binding = "fast"\n',
    ['1:1', /binding is a section for each name; write \[binding\.NAME\]/],
  ],
  ['tables in a list', '[[domain]]\n', ['1:3', /domain is a section for each name/]],
  [
    'min_dns_ttl above max_dns_ttl',
    'min_dns_ttl = 60\nmax_dns_ttl = 30\n',
    ['1:1', /60 is more than max_dns_ttl = 30; write min_dns_ttl = 30 or less/],
  ],
  [
    '+8: what would let a worse host go before a better one',
    'fully_resolve_before_smtp = false\n',
    ['1:29', /let a worse MX host go before a better one; leave it out/],
  ],
  [
    'S33: debug flags of no level, and of no subsystem',
    '[debug_flags]\nWarnng = ["DANE"]\nDEBUG = ["DAEN"]\n',
    ['2:1', /debug_flags has no "Warnng"; it has WARNING, NOTICE or DEBUG; did you mean WARNING/],
    ['3:10', /DEBUG does not know "DAEN"; did you mean "DANE"/],
  ],
  [
    'DANE demanded where it is not looked up',
    'mandatory_dane = true\n',
    ['1:1', /use_dane is false: nothing could ever be delivered/],
  ],
  [
    'DANE demanded where it is not applied',
    'dane = {}\nuse_dane = true\nenable_dane = false\n[domain."a.example"]\nmandatory_dane = true\n',
    ['5:1', /what is only shown cannot be demanded \(see line 3\)/],
  ],
  [
    'no TLS where DANE is demanded',
    'dane = {}\nuse_dane = true\nmandatory_dane = true\n[binding.old]\ntls = "no"\n',
    ['5:1', /DANE is TLS \(see line 3\); write tls = "required"/],
  ],
  [
    'a domain and a binding contradict each other where they meet',
    'dane = {}\nuse_dane = true\n[binding.old]\ntls = "no"\n[domain."a.example"]\nmandatory_dane = true\n',
    ['6:1', /DANE is TLS \(see line 4\)/],
  ],
  [
    'certificates looked at without TLS',
    'tls = "no"\n[domain."a.example"]\ntls_verify = "host"\n',
    ['3:1', /there will be none \(see line 1\)/],
  ],
  [
    'an exception from nothing',
    '[domain."a.example"]\nexception = { reason = "x", expires = 2026-12-24T00:00:00Z }\n',
    ['2:1', /nothing for it to lift/],
  ],
  ['control characters', 'tls = "\u0000"\n', ['1:8', /no TOML/]],
  [
    'the same key twice',
    'tls = "no"\ntls = "no"\n',
    ['2:1', /multiple times.*write each key and each section once/],
  ],
];

for (const [claim, text, ...said] of refusals)
  t.test(`refused: ${claim}`, (t) => {
    const problems = problemsIn(text);
    t.equal(problems.length, said.length, problems.join('\n'));
    for (const [i, [where, what]] of said.entries()) {
      t.equal(problems[i]?.startsWith(`${where}: `), true, `${where}: ${problems[i]}`);
      t.match(problems[i], what);
    }
    t.end();
  });

t.test('all problems are told at once, in the order of the file', (t) => {
  const text = [
    'dane = {}',
    'use_dan = true',
    'tls = "no"',
    'enable_dane = 1',
    '[binding.b]',
    'use_dane = true',
    '[domain."a.example"]',
    'tls_verify = "ca"',
    'mandatory_dane = true',
  ].join('\n');
  const lines = problemsIn(text).map((problem) => problem.split(':')[0]);
  // Not that mandatory_dane needs use_dane and enable_dane: what was meant by those is not known.
  t.same(lines, ['2', '4', '6', '8', '9']);
  t.end();
});

t.test('what a narrower section says does not contradict a wider one', (t) => {
  const fine: [claim: string, text: string][] = [
    [
      'DANE demanded, but not for one domain',
      'dane = {}\nuse_dane = true\nmandatory_dane = true\n[domain."a.example"]\nmandatory_dane = false\ntls = "no"\n',
    ],
    [
      'TLS for one domain, whatever the binding says',
      '[binding.old]\ntls = "no"\n[domain."a.example"]\ntls = "required"\ntls_verify = "host"\n',
    ],
    [
      'S22: DANE beside tls = "no", over which it takes precedence',
      'dane = {}\nuse_dane = true\ntls = "no"\n',
    ],
    ['the module without its directive', 'dane = {}\n'],
    ['nothing at all', ''],
    ['a mark of byte order', '\ufeffdane = {}\n'],
    [
      'names that are no words of ours',
      '[binding.constructor]\ntls = "no"\n[binding.__proto__]\ntls = "no"\n',
    ],
  ];
  for (const [claim, text] of fine) t.same(problemsIn(text), [], claim);
  t.end();
});

t.test('hostile files end with a word', (t) => {
  const deep = `a = ${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  t.match(problemsIn(deep).join(), /no TOML: Brackets are nested too deep/);
  t.equal(problemsIn(`${'a'.repeat(200_000)} = 1`).length, 1);
  const [long = ''] = problemsIn(`tls = "${'x'.repeat(200_000)}"`);
  t.ok(long.length < 300, 'and a short one');
  const domains = Array.from({ length: 2000 }, (_, i) => `[domain."d${i}.example"]`);
  const bindings = Array.from({ length: 2000 }, (_, i) => `[binding.b${i}]\ntls = "no"`);
  const text = [...bindings, ...domains.map((section) => `${section}\nmandatory_dane = true`)];
  // Each domain once for use_dane, and once for the first of the bindings.
  t.equal(problemsIn(text.join('\n')).length, 4000, 'not each domain with each binding');
  t.end();
});
