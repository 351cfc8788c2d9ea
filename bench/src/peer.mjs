// The peer: node `oidc-provider` in memory, with its own development pages, configured like the other two.
import { createServer } from 'node:http';
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';

const port = Number(process.argv[2]);
const issuer = `http://localhost:${port}`;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const key = { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'peer' };

const provider = new Provider(issuer, {
  jwks: { keys: [key] },
  cookies: { keys: ['bench'] },
  pkce: { required: () => true },
  claims: { profile: ['name'], email: ['email'] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: id, email: `${id}@agency.example` }) }),
  enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({ scope: 'api', accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } }),
    },
  },
  clients: [
    {
      client_id: 'machine',
      client_secret: process.argv[3],
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: 'ES256',
    },
    {
      client_id: 'portal',
      client_secret: process.argv[3],
      application_type: 'native',
      grant_types: ['authorization_code'],
      redirect_uris: ['http://localhost:9/callback'],
      id_token_signed_response_alg: 'ES256',
    },
  ],
});

createServer(provider.callback()).listen(port, '127.0.0.1');
