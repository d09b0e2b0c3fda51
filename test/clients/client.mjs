/**
 * Runs the scenario that the command line names and tells the test what came of it, a line of JSON each. What a
 * scenario throws is what the client throws at its user.
 */
export async function main(scenarios) {
  const scenario = scenarios[process.argv[2]];
  try {
    tell({ result: (await scenario(process.env.MODEL)) ?? null });
  } catch (error) {
    const { name, message, status, statusCode } = error;
    tell({ error: { name: error.constructor.name || name, message, status: status ?? statusCode ?? null } });
  }
}

/** Tells the test what has arrived. */
export function seen(what) {
  tell({ seen: what });
}

/** Resolves when the test lets this process go. */
export async function released() {
  for await (const _ of process.stdin);
}

/** What the function tool of the scenarios does. */
export function weather({ city }) {
  seen({ city });
  return `21 degrees in ${city}`;
}

function tell(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
