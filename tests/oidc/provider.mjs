// A real identity provider for tests: node provider.mjs '{"port", "home", "id", "secret", "kid", "logout"}'; it says its port.
// `logout`: where it tells that a session ended (back channel), none: nowhere.
// It signs in whoever says a name (its own development pages); the staff number stands in the claim employee_number.
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const { port, home, id, secret, kid, logout } = JSON.parse(process.argv[2]);
const server = createServer().listen(port, "127.0.0.1");
await once(server, "listening");
const own = server.address().port;
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

const provider = new Provider(`http://127.0.0.1:${own}`, {
  clients: [
    {
      client_id: id,
      client_secret: secret,
      redirect_uris: [`${home}/v1/session/sso/callback`],
      post_logout_redirect_uris: [`${home}/signin`],
      id_token_signed_response_alg: "ES256",
      ...(logout && { backchannel_logout_uri: logout, backchannel_logout_session_required: true }),
    },
  ],
  features: { backchannelLogout: { enabled: true } },
  // Its own dispatcher speaks to no loopback address, where tests have the gateway.
  fetch: (url, { dispatcher: _, ...options }) => globalThis.fetch(url, options),
  cookies: { keys: [secret] },
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" }] },
  claims: { openid: ["sub"], profile: ["employee_number"] },
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, employee_number: sub }) }),
  // Who signs in here need not agree to anything: it is their employer's.
  loadExistingGrant: async ctx => {
    const grant = new ctx.oidc.provider.Grant({ clientId: id, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid profile");
    await grant.save();
    return grant;
  },
});

server.on("request", provider.callback());
console.log(own);
