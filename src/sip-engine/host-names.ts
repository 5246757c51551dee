// Addresses of the names that peers and applications give.

import { lookup, Resolver } from 'node:dns/promises';

const dns = new Resolver({ timeout: 1_500, tries: 2 });

/**
 * Asked of the DNS itself: the system's look-up runs on the few threads that the process shares, and peers choose the names in their Contacts. That
 * one is for names of this machine and its hosts file. A name without address is an expected outcome: the transaction fails with 503.
 */
export async function resolveHost(host: string): Promise<string | undefined> {
  if (host.includes('.')) {
    const answers = await Promise.allSettled([dns.resolve4(host), dns.resolve6(host)]);
    const address = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))[0];
    const isSilent = answers.some(
      (answer) => answer.status === 'rejected' && (answer.reason as NodeJS.ErrnoException).code === 'ETIMEOUT',
    );
    if (address !== undefined || isSilent) return address;
  }
  return lookup(host).then(
    ({ address }) => address,
    () => undefined,
  );
}
