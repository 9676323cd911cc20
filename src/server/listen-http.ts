/**
 * Metrics and health over HTTP: a door.
 *
 * `GET /metrics` and `GET /health`, and nothing else; connections, headers and patience are bounded. Does not: know what is
 * in them.
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ServerAddress } from '../environment.ts';

export interface Page {
  readonly status: 200 | 503;
  readonly body: string;
}

/** By path. */
export type Pages = Readonly<Record<string, () => Page>>;

export interface HttpListener {
  readonly at: ServerAddress;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 16;
const PATIENCE_MS = 5000;
const MAX_HEADERS = 8192;

/** Rejects with the system's error where nobody can listen there. */
export function listenHttp(
  to: ServerAddress,
  pages: Pages,
  patienceMs = PATIENCE_MS,
): Promise<HttpListener> {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADERS,
      headersTimeout: patienceMs,
      requestTimeout: patienceMs,
      keepAliveTimeout: patienceMs,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => answer(pages, request, response),
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = 2 * patienceMs; // of a client that does not fetch its answers: the other times are for requests
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: to.ip, port: to.port, exclusive: true }, () => {
      server.off('error', reject);
      server.on('error', () => {}); // one connection that cannot be taken is no reason to stop
      resolve({ at: { ip: to.ip, port: portOf(server, to) }, close: () => close(server) });
    });
  });
}

function answer(pages: Pages, request: IncomingMessage, response: ServerResponse): void {
  const { method = '', url = '' } = request;
  const path = url.split('?')[0] ?? '';
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
  request.resume(); // a body is not looked at
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD' }).end();
  } else if (!page) {
    response.writeHead(404).end();
  } else {
    const { status, body } = page();
    const type = 'text/plain; version=0.0.4; charset=utf-8';
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(method === 'HEAD' ? undefined : body);
  }
}

const portOf = (server: Server, { port }: ServerAddress): number => {
  const bound = server.address();
  return typeof bound === 'object' && bound ? bound.port : port;
};

const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
