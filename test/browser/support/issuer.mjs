/**
 * An OpenID issuer in the test's own process: a page on which somebody signs in or declines, codes that are good once and for
 * whoever asked for them (PKCE), and id tokens that say what a test wants.
 */
import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

const KID = "first";

export const CLIENT = "bursar-pages";
export const SECRET = "s3cret:of pages";

const encoded = value => Buffer.from(value).toString("base64url");
const pair = () => generateKeyPairSync("rsa", { modulusLength: 2048 });
/** As forms have it (RFC 6749, section 2.3.1). */
const inForm = text => new URLSearchParams([["", text]]).toString().slice(1);

/** @param back Where the client has people sent back to, and nowhere else. */
export async function startIssuer(back) {
  const keys = pair();
  const codes = new Map();
  /** What a test may change: who signs in, what their token says otherwise, with which key, and how the answer goes back. */
  const issuer = { groups: [], says: {}, signs: keys.privateKey, answers: () => {}, redeemed: 0, away: false };

  function expect(what, expected, got) {
    if (expected !== got) throw new Error(`${what}: expected ${expected}, got ${got}`);
  }

  function idToken({ nonce }) {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer.url,
      sub: "f:ada",
      aud: CLIENT,
      iat: now,
      exp: now + 3_600,
      nonce,
      groups: issuer.groups,
      ...issuer.says,
    };
    const text = [{ typ: "JWT", alg: "RS256", kid: KID }, claims].map(part => encoded(JSON.stringify(part))).join(".");
    return `${text}.${encoded(sign("sha256", text, issuer.signs))}`;
  }

  /** What somebody is asked, who comes from the client. */
  function page(asked) {
    expect("response_type", "code", asked.get("response_type"));
    expect("client_id", CLIENT, asked.get("client_id"));
    expect("redirect_uri", back, asked.get("redirect_uri"));
    expect("code_challenge_method", "S256", asked.get("code_challenge_method"));
    for (const name of ["state", "nonce", "code_challenge"]) expect(name, 43, asked.get(name)?.length);
    return `<!doctype html><html lang="en"><title>Acme</title><form method="post"><button name="answer" value="yes">I am Ada</button>
      <button name="answer" value="no">Decline</button></form></html>`;
  }

  /** Where they go from there. */
  function answer(asked, yes) {
    const url = new URL(back);
    url.searchParams.set("state", asked.get("state"));
    url.searchParams.set("iss", issuer.url);
    if (yes) {
      const code = randomUUID();
      codes.set(code, { challenge: asked.get("code_challenge"), nonce: asked.get("nonce") });
      url.searchParams.set("code", code);
    } else {
      url.searchParams.set("error", "access_denied");
    }
    issuer.answers(url.searchParams);
    return url.href;
  }

  /** What a code is worth, once. */
  function redeem(authorization, form) {
    expect("authorization", `Basic ${Buffer.from(`${inForm(CLIENT)}:${inForm(SECRET)}`).toString("base64")}`, authorization);
    expect("grant_type", "authorization_code", form.get("grant_type"));
    expect("redirect_uri", back, form.get("redirect_uri"));
    const given = codes.get(form.get("code"));
    codes.delete(form.get("code"));
    const challenge = createHash("sha256").update(form.get("code_verifier")).digest("base64url");
    if (given?.challenge !== challenge) return { status: 400, body: { error: "invalid_grant" } };
    issuer.redeemed += 1;
    return { status: 200, body: { token_type: "Bearer", access_token: "opaque", id_token: idToken(given) } };
  }

  const routes = {
    "GET /.well-known/openid-configuration": () => ({
      body: {
        issuer: issuer.url,
        jwks_uri: `${issuer.url}/keys`,
        authorization_endpoint: `${issuer.url}/authorize`,
        token_endpoint: `${issuer.url}/token`,
      },
    }),
    "GET /keys": () => ({ body: { keys: [{ ...keys.publicKey.export({ format: "jwk" }), kid: KID, use: "sig" }] } }),
    "GET /authorize": ({ query }) => ({ html: page(query) }),
    "POST /authorize": ({ query, form }) => ({ status: 303, to: answer(query, form.get("answer") === "yes") }),
    "POST /token": ({ headers, form }) => (issuer.away ? { status: 503, body: {} } : redeem(headers.authorization, form)),
  };

  const server = createServer(async (request, response) => {
    const { pathname, searchParams: query } = new URL(request.url, issuer.url);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const route = routes[`${request.method} ${pathname}`] ?? (() => ({ status: 404, body: {} }));
    try {
      const { status = 200, to, html, body } = route({ query, form, headers: request.headers });
      response.statusCode = status;
      if (to) response.setHeader("location", to);
      response.setHeader("content-type", html ? "text/html" : "application/json");
      response.end(html ?? JSON.stringify(body ?? {}));
    } catch (error) {
      // What the client has wrong is shown where people would see it.
      response.writeHead(400, { "content-type": "text/plain" }).end(String(error));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(issuer, {
    // For browsers another site than 127.0.0.1, as an issuer is.
    url: `http://localhost:${server.address().port}`,
    stranger: pair().privateKey,

    /** As a test finds it. */
    begin: groups =>
      Object.assign(issuer, { groups, says: {}, signs: keys.privateKey, answers: () => {}, redeemed: 0, away: false }),

    async stop() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  });
}
