// The TypeScript SDK's client: connects as stdin says, lists the tools (again when they change, until `wanted` are
// there), makes the calls, lists resources and prompts, and prints what it was told.
import { readFileSync } from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ToolListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";

const { url, command, wanted, calls } = JSON.parse(readFileSync(0, "utf8"));
const transport = url
  ? new StreamableHTTPClientTransport(new URL(url))
  : new StdioClientTransport({ command: command[0], args: command.slice(1), env: process.env, stderr: "inherit" });
const client = new Client({ name: "acceptance", version: "1" });
let changes = 0;
let heard = () => {};
client.setNotificationHandler(ToolListChangedNotificationSchema, () => (changes++, heard()));
await client.connect(transport);

let tools = [];
for (;;) {
  const known = changes;
  ({ tools } = await client.listTools());
  if (wanted.every((name) => tools.some((tool) => tool.name === name))) break;
  if (known === changes) await new Promise((resolve) => (heard = resolve));
}

const results = [];
for (const [name, given] of calls) {
  try {
    results.push(await client.callTool({ name, arguments: given }));
  } catch (error) {
    results.push({ thrown: error.message });
  }
}
const resources = client.getServerCapabilities().resources ? (await client.listResources()).resources : [];
const prompts = client.getServerCapabilities().prompts ? (await client.listPrompts()).prompts : [];
await client.close();
console.log(JSON.stringify({ tools, results, resources, prompts }));
