// An agent on the AI SDK, over each of its packages; its answers are streamed.

import { readFile, stat, writeFile } from "node:fs/promises";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { jsonSchema, stepCountIs, streamText, tool } from "ai";

const [baseURL, api, prompt] = process.argv.slice(2);
const options = { baseURL, apiKey: "unused" };
const models = {
  openai: () => createOpenAI(options)("any"),
  anthropic: () => createAnthropic(options)("any"),
  "openai-compatible": () => createOpenAICompatible({ ...options, name: "coderouter", includeUsage: true })("any"),
};

function described(description, names, execute) {
  const properties = Object.fromEntries(names.map((name) => [name, { type: "string" }]));
  const schema = { type: "object", properties, required: names, additionalProperties: false };
  return tool({ description, inputSchema: jsonSchema(schema), execute });
}

const tools = {
  write_file: described("Write a file.", ["path", "text"], async ({ path, text }) => {
    await writeFile(path, text);
    return "written";
  }),
  read_file: described("Read a file.", ["path"], async ({ path }) => {
    try {
      return await readFile(path, "utf8");
    } catch {
      throw new Error(`No such file: ${path}`);
    }
  }),
  count_bytes: described("Count the bytes of a file.", ["path"], async ({ path }) => String((await stat(path)).size)),
};

const result = streamText({ model: models[api](), tools, prompt, stopWhen: stepCountIs(9), maxRetries: 0 });
await result.consumeStream({ onError: (error) => console.error(error) });
const usage = await result.totalUsage;
const cached = usage.inputTokenDetails?.cacheReadTokens ?? usage.cachedInputTokens ?? 0;
console.log(JSON.stringify({ answer: await result.text, usage: [usage.inputTokens - cached, usage.outputTokens, cached] }));
