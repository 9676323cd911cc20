/**
 * The help texts. README.md says the same at more length.
 * @module
 */

const RESOLVER_OPTIONS = `  --root-hints FILE     start from these root servers (NS, A and AAAA lines)
  --trust-anchor FILE   believe these keys in place of the root's (DS or DNSKEY
                        lines, or root-anchors.xml)
  --forward ADDR[@PORT][#NAME]
                        ask this resolver in place of the root; validate just the same;
                        with a name over TLS, to a server that proves it, or not at all
  --engine NAME         native (node:crypto, the default) or noble (pure TypeScript)
  --stub 'ZONE ADDR...' ask these servers for what lies in ZONE; validate just the same
  --negative-anchor 'NAME UNTIL REASON'
                        validate nothing at and below NAME (RFC 7646), for a week at most
  --timeout S           seconds for the whole run
  --json                one JSON object in place of text
  -h, --help            this text`;

const EXIT_CODES = `Exit code: 0 fine, 1 a verdict that stops mail, 2 the command line is wrong.
Colour goes to terminals only, and not where NO_COLOR is set.`;

export const HELP_TEXTS = {
  main: `danelaw: may I deliver to this domain, over which TLS, and how do I know?

danelaw check DOMAIN      the plan for every mail host, the live probe, and what a sender does
danelaw domain NAME       its mail hosts, addresses and TLSA records, each line with its proof
danelaw tlsa create FILE  TLSA records of a certificate or key, ready for the zone
danelaw tlsa verify HOST  a live server, each address, against its TLSA records
danelaw tlsa plan HOST    the way to the next certificate, and which step is safe now
danelaw openpgpkey ADDRESS, danelaw smimea ADDRESS
                          the keys of a mail user, where they are proved
danelaw policy check FILE what is wrong with a policy file, or what it says of a delivery
danelaw mta-sts list|show|refresh|purge
                          the MTA-STS policies that are kept
danelaw query NAME TYPE   one DNS question with proof
danelaw serve             answers the programs of this machine, each answer proven
danelaw control COMMAND   asks the daemon that runs here: stats, flush, explain, nta
danelaw demo              checks destinations of all kinds on an internet inside this process
danelaw DOMAIN            the same as danelaw check DOMAIN

danelaw COMMAND --help tells the options of a command, danelaw --version the version.
${EXIT_CODES}`,
  check: `danelaw check DOMAIN [options]
danelaw check '[HOST]:PORT' [options]

Says what a mail server does with mail for DOMAIN, or for a relay host (RFC 7672): looks
up its mail hosts with DNSSEC, plans for each, shakes hands with each (no mail is sent),
and decides: deliver authenticated, half-dane, trusted, encrypted or opportunistically,
defer or refuse. The domain's MTA-STS policy (RFC 8461) counts beside DANE.

  --port N              SMTP port, 25
  --no-probe            plan only, connect to nobody, policy hosts included
  --no-mta-sts          leave MTA-STS out
  --policy FILE         decide on the terms of this policy file (docs/policy.md), and say
                        which of them are not the default
  --binding NAME, --binding-group NAME
                        ... for mail from this binding, of this binding group
  --message KIND        for a message with requiretls or tls-required-no (RFC 8689)
  --protocol NAME       a service in place of mail between servers, by its SRV records
                        (RFC 7673), or at a host: submission, submissions, imap, imaps,
                        pop3, pop3s, xmpp-client, xmpps-client, xmpp-server, xmpps-server;
                        with --port DOMAIN is a host, and there are no SRV records
  --half-dane WHAT      hosts with TLSA records that unsigned MX records name: dane (the
                        default), encrypt or may
  --mandatory           DANE is demanded: what it does not authenticate waits
${RESOLVER_OPTIONS}

${EXIT_CODES}`,
  domain: `danelaw domain NAME [options]

Shows what the DNS says of where mail for NAME goes, in the lines of Momentum's console
command of this name: MX records, hosts, addresses, TLSA and MTA-STS records. +dnssec
stands on each line that is proved; a TTL is what is left of it. Nobody is connected to
but the policy host of MTA-STS.

${RESOLVER_OPTIONS}

${EXIT_CODES}`,
  tlsa: `danelaw tlsa create FILE...  makes TLSA records of certificates and keys
danelaw tlsa verify HOST     compares a live server with the records
danelaw tlsa plan HOST       plans a rollover, and refuses steps that are not safe yet

danelaw tlsa COMMAND --help tells the options.`,
  'tlsa create': `danelaw tlsa create FILE... [options]

Prints the TLSA record of each FILE (a certificate, a chain, a public or private key; PEM
or DER), one zone-file line each; what the RFCs say against it goes to standard error. Of
a chain, usages 1 and 3 take the first certificate, 0 and 2 the last.

  --usage N             3 (DANE-EE, the default), 2 (DANE-TA), 1 (PKIX-EE), 0 (PKIX-TA)
  --selector N          1 (the key, the default) or 0 (the whole certificate)
  --matching-type N     1 (SHA2-256, the default), 2 (SHA2-512) or 0 (all of it)
  --host NAME           the server's name; without it the data of the record is printed
  --port N              of the service, 25
  --ttl S               seconds, 3600
  --json                one JSON object in place of text
  -h, --help            this text

${EXIT_CODES}`,
  'tlsa verify': `danelaw tlsa verify HOST:PORT | NAME [options]

Shakes hands with a server at each of its addresses and compares what it shows with its
TLSA records, as a mail server would (RFC 7672). NAME with MX records stands for all its
mail hosts; without a port it is 25. No mail is sent.

  --record 'U S M DATA' in place of the records published; may be given several times
  --connect ADDR[:PORT] this address in place of those in the DNS; NAME is then a host
${RESOLVER_OPTIONS}

Exit code: 0 every address is authenticated, 1 one is not, 2 misuse.`,
  'tlsa plan': `danelaw tlsa plan HOST[:PORT] --current FILE --next FILE [options]

Plans the way from one certificate to the next (RFC 7671 section 8): asks every server of
the zone for the TLSA records, looks which certificate HOST shows, and says which step may
be taken now: publish the next records, deploy the next certificate, remove the old ones.

  --current FILE, --next FILE
                        certificate, chain or key, as the server has or will have it
  --since TIME          all servers have had both records since TIME (UTC)
  --longest-ttl S       the longest TTL that the records have had of late
  --step STEP           ask about publish, deploy or remove alone
  --usage N, --selector N, --matching-type N
                        what to end with; the combinations that are published now
  --protocol NAME       what HOST speaks, as for check; mail between servers without it
  --no-probe            do not connect to HOST
  --no-ipv6             ask over IPv4 only
${RESOLVER_OPTIONS}

Exit code: 0 fine, 1 something is wrong today, or the step asked about is not safe yet,
2 misuse.`,
  openpgpkey: `danelaw openpgpkey ADDRESS [options]

Looks up the OpenPGP keys of a mail user (RFC 7929) and prints each in base64. Only what
is proved is shown. Letter case in front of the @ counts; quote what needs it.

${RESOLVER_OPTIONS}

Exit code: 0 there are keys, 1 there are none or none that are proved, 2 misuse.`,
  smimea: `danelaw smimea ADDRESS [options]

Looks up the S/MIME certificates of a mail user (RFC 8162) and prints usage, selector,
matching type and data of each. Only what is proved is shown. Letter case in front of the
@ counts; quote what needs it.

${RESOLVER_OPTIONS}

Exit code: 0 there are records, 1 there are none or none that are proved, 2 misuse.`,
  policy: `danelaw policy check FILE  looks at the file with the operator's policy

danelaw policy COMMAND --help tells the options.`,
  'policy check': `danelaw policy check FILE [options]

Prints all that is wrong with a policy file, each with line, column and what to do about
it; or that nothing is, and where it has DANE looked up. docs/policy.md tells its options.

  --for DOMAIN          the terms on which mail goes to DOMAIN, and the line that each is from
  --binding NAME        ... from this binding
  --binding-group NAME  ... of this binding group
  --json                one JSON object in place of text
  -h, --help            this text

${EXIT_CODES}`,
  'mta-sts': `danelaw mta-sts list --state DIR [options]
danelaw mta-sts show DOMAIN --state DIR [options]
danelaw mta-sts refresh DOMAIN --state DIR [options]
danelaw mta-sts purge --state DIR [options]

Shows the MTA-STS policies (RFC 8461) that are kept in DIR, in the words of Momentum's
console; fetches the policy of DOMAIN now; or removes the policies that have expired.
Nothing else may be using DIR meanwhile.

  --state DIR           where policies are kept, in the file mta-sts
  --dry-run             purge: say what would be removed, and leave it
${RESOLVER_OPTIONS}

Exit code: 0 fine, 1 there is no policy, or none could be fetched, 2 misuse.`,
  query: `danelaw query NAME TYPE [options]

Asks one question from the root down and proves the answer: secure, insecure, bogus or
indeterminate. Bogus and indeterminate answers show no data.

  --trace               each packet, zone and key on the way
${RESOLVER_OPTIONS}

${EXIT_CODES}`,
  serve: `danelaw serve [options]

Answers DNS questions of this machine's programs over UDP and TCP, from the root down and
proven: AD is set on secure answers only, and what is bogus gets SERVFAIL. It stays in the
foreground; SIGTERM ends it once what was asked is answered.

  --config FILE         a TOML file with these options (docs/serve.md); the command line
                        beats it
  --check-config        say what is wrong with it, and start nothing
  --listen ADDR:PORT    where to listen; 127.0.0.1:53 and [::1]:53
  --allow NET           whose questions are answered beside this machine's, such as
                        192.0.2.0/24; without it only loopback is listened on
  --root-hints FILE     start from these root servers (NS, A and AAAA lines)
  --trust-anchor FILE   believe these keys in place of the root's (DS or DNSKEY
                        lines, or root-anchors.xml)
  --state DIR           follow key rollovers (RFC 5011), and keep trust anchors there
  --forward ADDR[@PORT][#NAME]
                        ask this resolver in place of the root; validate just the same;
                        with a name over TLS, to a server that proves it, or not at all
  --stub 'ZONE ADDR...' ask these servers for what lies in ZONE; validate just the same
  --negative-anchor 'NAME UNTIL REASON'
                        validate nothing at and below NAME (RFC 7646), for a week at most
  --private-address NET answer no public name with an address in NET, such as 10.0.0.0/8
  --private-domain NAME names at and below NAME may have such addresses
  --cache-mb N          megabytes for what is kept
  --cache-min-ttl S     keep unsigned addresses, PTR, TXT, SVCB and HTTPS records for S
                        seconds at least (90 at most), whatever their TTL; never MX, TLSA
  --serve-stale [S]     answer with what has expired, for S seconds (a day) at most, where
                        nothing newer is to be had (RFC 8767); never MX, TLSA and DS
  --policy FILE         the operator's policy: its TTLs and limits hold, and where it has
                        DANE used, nothing starts that cannot validate
  --metrics ADDR:PORT   /metrics (Prometheus) and /health over HTTP, loopback only
  --control PATH        a socket for danelaw control
  --log WHAT            failures (the default; one line each, so many a minute) or none
  --report-errors       tell servers that want to know of bogus answers (RFC 9567)
  --workers 1           one process; more are not supported yet
  --no-ipv6             ask servers over IPv4 only
  --no-qname-minimisation
                        show every server the whole name
  --engine NAME         native (node:crypto, the default) or noble (pure TypeScript)
  -h, --help            this text

${EXIT_CODES}`,
  control: `danelaw control [--socket PATH] COMMAND

Asks the daemon that runs here and has a control socket (serve --control).

  stats                 its metrics
  flush NAME            forget NAME, what lies below it, and keys and servers of zones there
  explain NAME TYPE     ask, and tell each packet, zone and key on the way
  nta list              the negative trust anchors in force
  nta add 'NAME UNTIL REASON'
                        validate nothing at and below NAME, for a week at most; it is
                        forgotten when the daemon stops
  nta remove NAME       validate it again

  --socket PATH         /run/danelaw/control
  -h, --help            this text

Exit code: 0 done, 2 the command is wrong, or nobody answers.`,
  demo: `danelaw demo [--json]

Starts an internet on free ports of 127.0.0.1 (signed zones, name servers, mail servers,
each with one thing right or wrong), checks every destination of it, and compares with
what RFC 7672 demands. Needs no network and no privilege.

${EXIT_CODES}`,
} as const;
