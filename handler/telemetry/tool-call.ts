import { type Context, SpanKind, type Tracer } from '@opentelemetry/api';
import type { FunctionCall } from '../items/function.ts';
import type { ServerFunction, ServerFunctions, Tool, ToolContext, ToolUse } from '../tools/tool.ts';
import { contentText } from './content.ts';
import type { Instruments } from './instruments.ts';
import { genAI, stable } from './names.ts';
import { errorType, failSpan, headersOf, startSpan } from './spans.ts';

/** What tells of calls of tools. */
export interface ToolCallOptions {
  tracer: Tracer | undefined;
  instruments: Instruments | undefined;
  parent: Context;
  content: boolean;
}

const OPERATION = 'execute_tool';

/** The tools of a turn, each of whose calls is a span and measured. */
export function withToolSpans(uses: readonly ToolUse[], options: ToolCallOptions): ToolUse[] {
  return uses.map(({ tool, config }) => ({ tool: withSpans(tool, options), config }));
}

function withSpans(tool: Tool, options: ToolCallOptions): Tool {
  return {
    type: tool.type,
    parse: (entry, param, context) => tool.parse(entry, param, context),
    ...(tool.echo && { echo: (entry) => tool.echo?.(entry) ?? entry }),
    ...(tool.definitions && { definitions: (config) => tool.definitions?.(config) ?? [] }),
    async *open(config, signal, context) {
      const opened: ServerFunctions = yield* tool.open(config, signal, context);
      return {
        ...opened,
        functions: opened.functions.map((fn) => measuredFunction(fn, tool, options)),
        close: async () => opened.close?.(),
      };
    },
  };
}

function measuredFunction(fn: ServerFunction, tool: Tool, options: ToolCallOptions): ServerFunction {
  const { tracer, instruments, parent, content } = options;
  const { name } = fn.definition;
  return {
    definition: fn.definition,
    async *run(call: FunctionCall, signal, context) {
      const begun = performance.now();
      const attributes = {
        [genAI.operation]: OPERATION,
        [genAI.toolName]: name,
        [genAI.toolType]: tool.type,
        [genAI.toolCall]: call.call_id,
      };
      const open = tracer && startSpan(tracer, `${OPERATION} ${name}`, { kind: SpanKind.INTERNAL, attributes }, parent);
      const told = content && open?.span.isRecording() ? open.span : undefined;
      told?.setAttribute(genAI.toolArguments, contentText(call.arguments));
      const inner: ToolContext = open ? { ...context, trace: headersOf(open.span) } : { ...context };
      let failure: unknown;
      let hasEnded = false;
      try {
        const result = yield* fn.run(call, signal, inner);
        hasEnded = true;
        told?.setAttribute(genAI.toolResult, contentText(result.output));
        return result;
      } catch (error) {
        failure = error;
        throw error;
      } finally {
        const error = failure === undefined ? (hasEnded ? undefined : 'cancelled') : errorType(failure);
        if (open && failure !== undefined) failSpan(open.span, failure);
        else if (error) open?.span.setAttribute(stable.errorType, error);
        open?.span.end();
        instruments?.histograms.toolDuration.record((performance.now() - begun) / 1000, {
          [genAI.operation]: OPERATION,
          [genAI.toolName]: instruments.tools.of(name),
          ...(error && { [stable.errorType]: error }),
        });
      }
    },
  };
}
