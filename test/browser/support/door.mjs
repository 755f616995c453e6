/** An address on this machine that is known before the service behind it has one, as a proxy's is. */
import { once } from "node:events";
import { connect, createServer } from "node:net";

export async function startDoor() {
  let behind;
  const open = new Set();
  const server = createServer(visitor => {
    const service = connect(behind);
    for (const [one, other] of [[visitor, service], [service, visitor]]) {
      open.add(one);
      one.pipe(other);
      // Either hangs up when it likes, and then the other is hung up on.
      one.on("error", () => {}).once("close", () => (open.delete(one), other.destroy()));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,

    /** Where whoever comes is led to. */
    leadTo(url) {
      const { hostname: host, port } = new URL(url);
      behind = { host, port: Number(port) };
    },

    async stop() {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
