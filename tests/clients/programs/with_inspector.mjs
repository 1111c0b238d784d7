// The MCP Inspector's command line, a process for each question: does what stdin asks and prints what it showed.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const INSPECTOR = join(import.meta.dirname, "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js");
const TOGETHER = 3;
const run = promisify(execFile);

async function asked({ url, command, questions }) {
  const at = url ? { type: "streamable-http", url } : { command: command[0], args: command.slice(1), env: process.env };
  const file = join(mkdtempSync(join(tmpdir(), "inspector-")), "mcp.json");
  writeFileSync(file, JSON.stringify({ mcpServers: { it: at } }));
  const show = async (...options) => {
    const line = [INSPECTOR, "--cli", "--config", file, "--server", "it", "--format", "json", "--quiet", ...options];
    const { stdout, stderr } = await run(process.execPath, line, { maxBuffer: 1 << 24 }).catch((error) => error);
    if (!stdout) throw new Error(stderr);
    const shown = JSON.parse(stdout);
    return shown.result ?? shown;
  };
  const words = (given) => Object.entries(given).map(([key, value]) => `${key}=${value}`);
  const answers = {
    tools: async () => Object.fromEntries((await show("--method", "tools/list")).tools.map((tool) => [tool.name, tool])),
    read: async (uri) => (await show("--method", "resources/read", "--uri", uri)).contents.map((each) => each.text),
    prompt: async (name, given) =>
      (await show("--method", "prompts/get", "--prompt-name", name, "--prompt-args", ...words(given))).messages.map(
        (each) => each.content.text,
      ),
    call: async (name, given) => {
      const shown = await show("--method", "tools/call", "--tool-name", name, "--tool-args-json", JSON.stringify(given));
      return { content: shown.content, structured: shown.structuredContent, error: shown.isError, meta: shown._meta };
    },
  };
  const answer = ([what, ...given]) => answers[what](...given).catch((error) => ({ raised: error.message }));
  const told = [];
  for (let next = 0; next < questions.length; next += TOGETHER)
    told.push(...(await Promise.all(questions.slice(next, next + TOGETHER).map(answer))));
  return told;
}

const all = [];
for (const place of JSON.parse(readFileSync(0, "utf8"))) all.push(await asked(place));
console.log(JSON.stringify(all));
