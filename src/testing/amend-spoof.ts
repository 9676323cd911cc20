/**
 * Amendments to what tells a server's reply from a forger's: the letter case of the question, EDNS and cookies.
 * @module
 */
import { OPTIONS } from '../dns/codes.ts';
import { cookieOf, type EdnsOption, makeCookie } from '../dns/edns.ts';
import type { Message } from '../dns/message.ts';
import { alterReply } from './amend-reply.ts';
import type { Amendment, Request } from './amendment.ts';

/** The question comes back in lower case, however it was sent. */
export const lowerCase = (): Amendment =>
  alterReply((reply) => ({
    ...reply,
    questions: reply.questions.map((question) => ({
      ...question,
      name: question.name.canonical,
    })),
  }));

/** As a server that knows no EDNS and overlooks it; whatever else the reply says stays. */
export const leaveOutEdns = (): Amendment => alterReply((reply) => ({ ...reply, edns: undefined }));

/** Any octets would do; RFC 9018 has 16 of them. */
const SERVER_COOKIE = new Uint8Array(16).fill(0x5c);

/**
 * Servers with DNS cookies (RFC 7873 section 5.2).
 * @param demand  `required`: over UDP BADCOOKIE to queries without the right server cookie. `never-right`: to all
 */
export const cookies = (demand: 'welcome' | 'required' | 'never-right' = 'welcome'): Amendment =>
  alterReply((reply, { query, over }) => {
    const cookie = cookieOf(query.edns);
    if (!cookie) return reply;
    const { client, server } = cookie;
    const isRight = server !== undefined && Buffer.compare(server, SERVER_COOKIE) === 0;
    const isGood = demand === 'welcome' || over === 'tcp' || (demand === 'required' && isRight);
    const answered = withCookie(reply, makeCookie({ client, server: SERVER_COOKIE }));
    if (isGood) return answered;
    return { ...answered, rcode: 'BADCOOKIE', answer: [], authority: [], additional: [] };
  });

/** No cookie comes back. */
export const leaveOutCookie = (): Amendment => alterReply((reply) => withCookie(reply));

/** As a forger who does not know the client's cookie. */
export const wrongCookie = (): Amendment =>
  alterReply((reply) =>
    withCookie(reply, makeCookie({ client: new Uint8Array(8), server: SERVER_COOKIE })),
  );

/** Calls `see` with each question as it arrives. */
export const watch = (see: (request: Request) => void): Amendment =>
  alterReply((reply, request) => {
    see(request);
    return reply;
  });

function withCookie(reply: Message, ...cookie: readonly EdnsOption[]): Message {
  if (!reply.edns) return reply;
  const others = reply.edns.options.filter(({ code }) => code !== OPTIONS.COOKIE);
  return { ...reply, edns: { ...reply.edns, options: [...others, ...cookie] } };
}
