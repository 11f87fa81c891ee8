// The services of `ip_urls`: one on either family's loopback address, that answer as the weather has it.
import { appendFileSync } from "node:fs";
import type { Weather } from "./deeds.ts";

export type AddressServices = {
  /** The text with ADDRESS_SERVICES replaced by the services' URLs, quoted. */
  fillIn(text: string): string;
  stop(): Promise<void>;
};

/** Starts both; each request is a line (`IPv4`, `IPv6`) of the file `requests`. */
export function startAddressServices(weather: Weather, requests: string): AddressServices {
  const serve = (hostname: string, family: "IPv4" | "IPv6") =>
    Bun.serve({
      port: 0,
      hostname,
      async fetch() {
        appendFileSync(requests, `${family}\n`);
        const { addresses } = weather;
        if (addresses === "hang") await Bun.sleep(60_000);
        const address =
          addresses === "hang" ? null : addresses.find((one) => one.includes(":") === (family === "IPv6"));
        return address ? new Response(`${address}\n`) : new Response("trouble", { status: 503 });
      },
    });
  const four = serve("127.0.0.1", "IPv4");
  const six = serve("::1", "IPv6");
  const urls = `"http://127.0.0.1:${four.port}/", "http://[::1]:${six.port}/"`;
  return {
    fillIn: (text) => text.replaceAll("ADDRESS_SERVICES", urls),
    async stop() {
      await Promise.all([four.stop(true), six.stop(true)]);
    },
  };
}
