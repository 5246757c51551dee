// The real gateway on the SIP engine that is being tested: the embedded one, or with DRACHTIO_BIN=/path/to/drachtio a drachtio-server of its own, in
// front of it as carriers see it. For tests of calls that must not be able to tell the two apart.

import { REFERENCE, ReferenceServer } from '../sip-engine/support/reference-server.ts';
import { type GatewayOptions, type RunningGateway, startGateway } from './gateway.ts';

const SECRET = 'a secret of this test';

export async function startOnEitherEngine(options: GatewayOptions = {}): Promise<RunningGateway> {
  if (REFERENCE === undefined) return await startGateway(options);
  const server = await ReferenceServer.start(REFERENCE, { secret: SECRET });
  const sip = { engine: 'drachtio', drachtio: { host: '127.0.0.1', port: server.wirePort, secret: SECRET } };
  const { sip: given, ...config } = options.config ?? {};
  try {
    const gateway = await startGateway({
      ...options,
      config: { ...config, sip: { ...(given as object | undefined), ...sip } },
    });
    return onServer(gateway, server);
  } catch (error) {
    await server.close();
    throw error;
  }
}

function onServer(gateway: RunningGateway, server: ReferenceServer): RunningGateway {
  const stop = gateway.stop.bind(gateway);
  const kill = gateway.kill.bind(gateway);
  return Object.assign(gateway, {
    sip: { udpPort: server.sipPort, tcpPort: server.sipPort, wsPort: 0 },
    stop: async () => {
      const code = await stop();
      await server.close();
      return code;
    },
    kill: async () => {
      await kill();
      await server.close();
    },
  });
}
