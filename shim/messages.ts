/** The ext_proc messages as proto-loader gives and takes them: `keepCase`, `defaults`, `oneofs`, bytes as Buffer. */

/** A header; Envoy fills `raw_value` and leaves `value` empty, other data planes may do the opposite. */
export interface HeaderValue {
  key: string;
  value?: string;
  raw_value?: Buffer;
}

/** Headers in wire order; a repeated header is repeated here. */
export interface HeaderMap {
  headers: HeaderValue[];
}

/** Headers of a request or a streamed reply; `end_of_stream` says that no body follows. */
export interface HttpHeaders {
  headers: HeaderMap | null;
  end_of_stream: boolean;
}

/** A chunk of body, or all of it, as the body mode says. */
export interface HttpBody {
  body: Uint8Array;
  end_of_stream: boolean;
}

/** A google.protobuf.Struct; proto-loader's own copy of it speaks camelCase even with `keepCase`. */
export interface Struct {
  fields: Record<string, { stringValue?: string; numberValue?: number; boolValue?: boolean }>;
}

/** A message from Envoy: exactly one of the six parts, and in the first message of a stream, how Envoy is configured. */
export interface ProcessingRequest {
  request_headers?: HttpHeaders;
  response_headers?: HttpHeaders;
  request_body?: HttpBody;
  response_body?: HttpBody;
  request_trailers?: object;
  response_trailers?: object;
  attributes?: Record<string, Struct>;
  /** An envoy.config.core.v3.Metadata. */
  metadata_context?: Uint8Array;
  protocol_config?: { request_body_mode: number } | null;
}

/** A header to set: overwrites a header of that name unless it appends. */
export interface HeaderValueOption {
  header: HeaderValue;
  append: { value: boolean };
}

/** A message to Envoy: a whole reply, a piece of a streamed one, or CONTINUE. */
export interface ProcessingResponse {
  request_headers?: object;
  response_headers?: object;
  request_body?: object;
  response_body?: object;
  request_trailers?: object;
  response_trailers?: object;
  immediate_response?: {
    status: { code: number };
    headers: { set_headers: HeaderValueOption[] };
    body: Uint8Array;
  };
  streamed_immediate_response?: { headers_response: HttpHeaders } | { body_response: HttpBody };
  /** A google.protobuf.Struct, by namespace. Envoy merges those of several messages, and refuses a message with nothing else. */
  dynamic_metadata?: Uint8Array;
}

/** ProcessingMode.BodySendMode of Envoy's processing_mode.proto, by number. */
export const BODY_MODES = ['NONE', 'STREAMED', 'BUFFERED', 'BUFFERED_PARTIAL', 'FULL_DUPLEX_STREAMED', 'GRPC'] as const;
