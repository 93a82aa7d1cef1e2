// A server of the repository's files for tests, on this machine alone.

import { createServer } from "node:http";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/**
 * Serves `root`; `answers` are functions of a request by its path, and `folders` are folders of
 * `root` by the addresses that they have too. Returns the address.
 */
export async function serve(root, answers = {}, folders = {}) {
  let requests = 0;
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    if (pathname === "/requests") return response.end(String(requests));
    requests += 1;
    if (answers[pathname]) return answers[pathname](request, response);
    const other = Object.keys(folders).find((folder) => pathname.startsWith(folder));
    const place = other ? folders[other] + pathname.slice(other.length) : pathname;
    const path = join(root, normalize(decodeURIComponent(place)));
    const size = await stat(path).then((file) => file.isFile() && file.size, () => false);
    if (size === false) return response.writeHead(404).end();
    const type = TYPES[extname(path)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type, "content-length": size });
    createReadStream(path).on("error", () => response.destroy()).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
