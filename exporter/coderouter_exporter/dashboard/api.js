// Reads the exporter's JSON API. The page knows nothing but what this returns.

const TIMEOUT_MS = 2500;

/** The exporter refused a request; `status` is that of its response. */
export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Return the address of a resource; parameters without a value are left out, lists are repeated. */
export function address(path, parameters = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const each of [value].flat()) if (each !== undefined && each !== null && each !== "") query.append(name, each);
  }
  const text = query.toString();
  return `api/v1/${path}${text && "?"}${text}`;
}

/** Return the JSON of a resource. Throws `Refused`, or what `fetch` throws if the exporter does not respond. */
export async function get(path, parameters) {
  const options = { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) };
  const response = await fetch(address(path, parameters), options);
  if (!response.ok) throw new Refused(response.status, await message(response));
  return response.json();
}

async function message(response) {
  const text = (await response.text()).trim();
  try {
    return JSON.parse(text).error;
  } catch {
    return text || `HTTP ${response.status}`;
  }
}

/** Return why there was no response. */
export function reason(error) {
  if (error.name === "TimeoutError") return `no response within ${TIMEOUT_MS / 1000} s`;
  return error instanceof TypeError ? "cannot connect" : error.message;
}
