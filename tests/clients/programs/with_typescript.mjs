// The TypeScript SDK's client: does what stdin asks and prints what it was told.
import { readFileSync } from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const watching = () => readFileSync(process.env.WATCHED, "utf8").split('"watching": true').length;

async function asked({ url, command, questions }) {
  const client = new Client({ name: "acceptance", version: "1" });
  await client.connect(
    url
      ? new StreamableHTTPClientTransport(new URL(url))
      : new StdioClientTransport({ command: command[0], args: command.slice(1), env: process.env, stderr: "inherit" }),
  );
  const call = async (name, given, options) => {
    const { content, structuredContent, isError, _meta } = await client.callTool({ name, arguments: given }, undefined, options);
    return { content, structured: structuredContent, error: isError === true, meta: _meta };
  };
  const answers = {
    tools: async () => Object.fromEntries((await client.listTools()).tools.map((tool) => [tool.name, tool])),
    read: async (uri) => (await client.readResource({ uri })).contents.map((each) => each.text),
    prompt: async (name, given) =>
      (await client.getPrompt({ name, arguments: given })).messages.map((each) => each.content.text),
    together: (calls) => Promise.all(calls.map((each) => call(...each))),
    progress: async (name, given) => {
      const heard = [];
      await call(name, given, { onprogress: ({ progress, total, message }) => heard.push([progress, total, message]) });
      return heard;
    },
    cancel: async (name, given) => {
      const stop = new AbortController();
      const seen = watching();
      const under_way = call(name, given, { signal: stop.signal }).then(() => "not cancelled", () => "cancelled");
      while (watching() === seen) await new Promise((resolve) => setTimeout(resolve, 20));
      stop.abort();
      return under_way;
    },
    call,
  };
  const told = [];
  for (const [what, ...given] of questions) {
    try {
      told.push(await answers[what](...given));
    } catch (error) {
      told.push({ raised: error.message });
    }
  }
  await client.close();
  return told;
}

const places = JSON.parse(readFileSync(0, "utf8"));
const all = [];
for (const place of places) all.push(await asked(place));
console.log(JSON.stringify(all));
