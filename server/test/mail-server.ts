import type { AddressInfo } from 'node:net';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';

/** A message as it arrived, and who sent it to whom. */
export interface ReceivedMail {
  readonly from: string;
  readonly to: string[];
  readonly user: string | undefined;
  readonly email: Email;
}

/** A real SMTP server that keeps what it gets; it refuses a wrong password and the recipient `nobody@example.com`. */
export class MailServer {
  readonly received: ReceivedMail[] = [];
  /** Where it is given, a message is answered when it calls back. */
  hold: ((answer: () => void) => void) | undefined;
  readonly #server: SMTPServer;

  private constructor(login?: { username: string; password: string }) {
    this.#server = new SMTPServer({
      disabledCommands: login ? ['STARTTLS'] : ['STARTTLS', 'AUTH'],
      authOptional: !login,
      allowInsecureAuth: true,
      logger: false,
      onAuth: ({ username, password }, _session, done) =>
        username === login?.username && password === login?.password
          ? done(null, { user: username })
          : done(new Error(`Invalid password ${password}`)),
      onRcptTo: ({ address }, _session, done) =>
        address === 'nobody@example.com' ? done(new Error('No such user')) : done(),
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', async () => {
          const { mailFrom, rcptTo } = session.envelope;
          this.received.push({
            from: mailFrom ? mailFrom.address : '',
            to: rcptTo.map(({ address }) => address),
            user: session.user,
            email: await PostalMime.parse(Buffer.concat(chunks)),
          });
          if (this.hold) this.hold(done);
          else done();
        });
      },
    });
  }

  static async start(login?: { username: string; password: string }): Promise<MailServer> {
    const mail = new MailServer(login);
    await new Promise<void>((listening) => mail.#server.listen(0, '127.0.0.1', () => listening()));
    return mail;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    await new Promise<void>((closed) => this.#server.close(() => closed()));
  }
}
