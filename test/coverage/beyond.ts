import { misfits } from './conform.ts';

/** Where replies are not as the official types declare them, and why; `=null` is a null that a type does not have. */
const beyond: Record<string, string> = {
  'Response.output_text=absent': 'the SDK puts it together itself; no server sends it',
  'Response.store': 'the API echoes it as any other parameter, and the types lack it',
  'Response.presence_penalty': 'the API sends it, Open Responses requires it, and the types lack it',
  'Response.frequency_penalty': 'the API sends it, Open Responses requires it, and the types lack it',
  'Response.usage=null': 'the API sends null while a response is running',
  'ResponseFormatTextJSONSchemaConfig.description=null': 'the API sends null for what was not given',
  'ResponseErrorEvent.error': 'the nested shape of an error, by which other SDKs raise it',
  'ResponseFunctionCallArgumentsDoneEvent.name': 'the API sends it, and the types had it',
  'ResponseTextDeltaEvent.Logprob.bytes': 'as in the part that is done',
  'ResponseTextDeltaEvent.Logprob.TopLogprob.bytes': 'as in the part that is done',
  'ResponseTextDoneEvent.Logprob.bytes': 'as in the part that is done',
  'ResponseTextDoneEvent.Logprob.TopLogprob.bytes': 'as in the part that is done',
  'ResponseCustomToolCall.status': 'other types of the same item have it, and the API sends it',
  'ResponseCustomToolCallOutput.status': 'other types of the same item have it',
  'ConversationItem.LocalShellCallOutput.call_id': 'the id of the call, since the id of an item is its own',
  'ResponseItem.LocalShellCallOutput.call_id': 'the id of the call, since the id of an item is its own',
  'ResponseLocalEnvironment.skills': 'a call is listed as it was sent',
  'ResponseComputerToolCallOutputScreenshot.detail': 'a screenshot is listed as it was sent',
  'ResponseComputerToolCallOutputScreenshot.prompt_cache_breakpoint': 'a screenshot is listed as it was sent',
};

/** Deltas that are padded for those who ask; the types have the padding only on some of them. */
const padded = [
  ...['Text', 'Refusal', 'ReasoningText', 'ReasoningSummaryText', 'FunctionCallArguments', 'CustomToolCallInput'],
  ...['McpCallArguments', 'CodeInterpreterCallCode'],
].map((name) => `Response${name}DeltaEvent.obfuscation`);

const also = new Set([...Object.keys(beyond), ...padded]);

/** What of a reply is not as an official type declares it, and has no reason to be otherwise. */
export function wrong(type: string, value: unknown): string[] {
  return misfits(type, value, also);
}
