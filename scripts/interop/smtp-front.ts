/**
 * Speaks SMTP up to the 220 of STARTTLS and hands the connection on to an `openssl s_server`, which knows STARTTLS for
 * no protocol: that option is s_client's. From then on octets pass through untouched.
 *
 * Usage: smtp-front.js ADDRESS=PORT..., where PORT is that of the s_server on 127.0.0.1. Does not: read mail.
 * @module
 */
import { connect, createServer, type Socket } from 'node:net';

function serve(client: Socket, port: number): void {
  let pending = '';
  const onData = (chunk: Buffer) => {
    pending += chunk.toString('latin1');
    for (let end = pending.indexOf('\r\n'); end >= 0; end = pending.indexOf('\r\n')) {
      const verb = pending.slice(0, end).toUpperCase().split(' ')[0];
      pending = pending.slice(end + 2);
      if (verb === 'EHLO') client.write('250-openssl.lab\r\n250 STARTTLS\r\n');
      else if (verb === 'STARTTLS') return splice(client.off('data', onData), port);
      else if (verb === 'QUIT') client.end('221 bye\r\n');
      else client.write('500 not here\r\n');
    }
  };
  client.on('error', () => client.destroy()).on('data', onData);
  client.write('220 openssl.lab ESMTP\r\n');
}

function splice(client: Socket, port: number): void {
  const server = connect(port, '127.0.0.1', () => client.write('220 go ahead\r\n'));
  server.on('error', () => client.destroy()).on('close', () => client.destroy());
  client.on('close', () => server.destroy());
  client.pipe(server).pipe(client);
}

for (const pair of process.argv.slice(2)) {
  const [address, port] = pair.split('=');
  createServer((client) => serve(client, Number(port))).listen(25, address);
}
process.stdout.write('ready\n');
