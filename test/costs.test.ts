import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileCel } from '../handler/cel.ts';
import type { CostInput, CostRule } from '../handler/costs.ts';
import { configureLog } from '../handler/log.ts';
import { openCosts } from '../handler/open-costs.ts';

const turn: CostInput = {
  model: 'qwen3',
  backend: 'chat',
  url_host: 'gpu-1:8000',
  input_tokens: 100,
  cached_input_tokens: 60,
  cached_write_input_tokens: 5,
  output_tokens: 10,
  reasoning_tokens: 4,
  total_tokens: 110,
};

test('an expression has every variable, and gives a whole number', () => {
  const right: [string, number][] = [
    ['input_tokens + 4u * output_tokens', 140],
    ['(input_tokens - cached_input_tokens) * 3u + cached_input_tokens / 2u', 150],
    ['cached_write_input_tokens + reasoning_tokens + total_tokens % 100u', 19],
    ['model.startsWith("qwen") && backend == "chat" && url_host.contains(":8000") ? 1u : 2u', 1],
    ['uint(double(input_tokens) * 2.5)', 250],
    ['7', 7],
    ['0u', 0],
    ['9007199254740991u', Number.MAX_SAFE_INTEGER],
  ];
  for (const [cel, cost] of right) assert.equal(compileCel(cel)(turn), cost, cel);
});

/** Expressions that are refused at start, with what is said. */
const wrong: [string, RegExp][] = [
  ['input_tokens + 4 * output_tokens', /no such overload: int \* uint: .* write 4u in place of 4$/],
  ['output_tokens == 5 ? 1u : 2u', /uint == int: .* write 4u in place of 4$/],
  ['model == "" ? 1 : 2u', /same type.*: .* write 4u in place of 4$/],
  ['input_tokens * 1.5', /no such overload: uint \* double: .*uint\(double\(input_tokens\) \* 1\.5\)/],
  ['tokens', /Unknown variable: tokens/],
  ['input_tokens +', /Unexpected token/],
  ['', /Unexpected token/],
  ['model', /gives a string: it must give an int or a uint/],
  ['true', /gives a bool/],
  ['double(input_tokens)', /gives a double/],
  ['dyn(1u)', /gives a dyn/],
  ['-5', /no value where no tokens were used: the result is -5/],
  ['18446744073709551615u', /the result is 1844\d+: it must be from 0 to 2\^53 - 1/],
  ['input_tokens - 5u', /no value where no tokens were used: Unsigned integer overflow/],
  ['100u / input_tokens', /no value where no tokens were used: division by zero/],
  ['model.matches("(a+)+$") ? 1u : 2u', /uses matches, whose time has no bound here: use startsWith/],
  ['[model].exists(m, m.matches("a")) ? 1u : 2u', /uses matches/],
  [`${'('.repeat(100_000)}1u`, /maxDepth|limit|Exceeded/],
];

test('a wrong expression is refused at start, by its place, with what is wrong', () => {
  for (const [cel, message] of wrong) {
    const rules = [
      { match: '*', name: 'a', cel: '1u' },
      { match: '*', name: 'b', cel },
    ];
    assert.throws(
      () => openCosts(rules, compileCel),
      (error) => {
        assert.ok(error instanceof Error);
        assert.match(error.message, /^configuration: costs\.1\.cel /, cel);
        assert.match(error.message, message, cel);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      },
    );
  }
});

test('costs without a compiler are refused, and none need none', () => {
  assert.throws(
    () => openCosts([{ match: '*', name: 'a', cel: '1u' }], undefined),
    /costs need the option compileCel of the root/,
  );
  assert.equal(openCosts([], undefined).of('m'), undefined);
});

const rule = (match: string, cel: string, name = 'llm_cost'): CostRule => ({ match, name, cel });

test('of each name the first entry that matches the model counts', () => {
  const rules = openCosts(
    [rule('qwen*', '1u'), rule('qwen3', '2u'), rule('*', '3u'), rule('gpt*', '4u', 'quota'), rule('*', '5u', 'quota')],
    compileCel,
  );
  const costsOf = (model: string) => rules.of(model)?.costs({ ...turn, model }, true);
  assert.deepEqual(costsOf('qwen3'), { llm_cost: 1, quota: 5 });
  assert.deepEqual(costsOf('gpt-9'), { llm_cost: 3, quota: 4 });
  assert.equal(openCosts([rule('gpt*', '1u')], compileCel).of('qwen3'), undefined);
});

test('what fails for a turn is no charge, and one line of the log at its end; the others are charged', (t) => {
  const lines: string[] = [];
  configureLog('warn', (line) => lines.push(line));
  t.after(() => configureLog('error', () => {}));
  const rules = openCosts(
    [
      rule('*', 'total_tokens * 9000000000000000000u', 'over'),
      rule('*', 'cached_input_tokens - output_tokens', 'under'),
      rule('*', 'total_tokens', 'plain'),
    ],
    compileCel,
  );
  const meter = rules.of('m') ?? assert.fail();
  const large = { ...turn, output_tokens: 61 };
  assert.deepEqual(meter.costs(large, false), { plain: 110 });
  assert.equal(lines.length, 0);
  assert.deepEqual(meter.costs(large, true), { plain: 110 });
  const logged = lines.map((line) => JSON.parse(line));
  assert.deepEqual(
    logged.map(({ level, cost, output_tokens }) => [level, cost, output_tokens]),
    [
      ['WARN', 'over', 61],
      ['WARN', 'under', 61],
    ],
  );
  assert.match(logged[0].error, /overflow/);
  // Counts that are none: nobody is charged by a guess.
  for (const total_tokens of [Number.NaN, 1.5, -1]) assert.deepEqual(meter.costs({ ...turn, total_tokens }, false), {});
});
