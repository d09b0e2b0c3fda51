import com.fasterxml.jackson.databind.ObjectMapper;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.StreamResponse;
import com.openai.errors.OpenAIServiceException;
import com.openai.models.responses.FunctionTool;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseFunctionToolCall;
import com.openai.models.responses.ResponseInputItem;
import com.openai.models.responses.ResponseStreamEvent;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A scenario of the command line, played with the official Java SDK. It prints a line of JSON: the text of the reply,
 * or what the SDK has of the failure.
 */
public class Client {
    public static void main(String[] args) throws Exception {
        Map<String, Object> result = new LinkedHashMap<>();
        try {
            result.put("text", play(args[0]));
        } catch (OpenAIServiceException error) {
            result.put("name", error.getClass().getSimpleName());
            result.put("status", error.statusCode());
            result.put("code", error.code().orElse(null));
            result.put("type", error.type().orElse(null));
            result.put("param", error.param().orElse(null));
            result.put("message", error.getMessage());
        } catch (RuntimeException error) {
            result.put("unread", error.toString());
        }
        System.out.println(new ObjectMapper().writeValueAsString(Map.of("result", result)));
        System.exit(0); // the HTTP client's threads outlive it
    }

    private static String play(String scenario) throws Exception {
        OpenAIClient client = OpenAIOkHttpClient.fromEnv();
        ResponseCreateParams.Builder request =
                ResponseCreateParams.builder().model(System.getenv("MODEL")).input("Hi");
        switch (scenario) {
            case "create":
                return text(client.responses().create(request.build()));
            case "too-small":
                return text(client.responses().create(request.maxOutputTokens(1).build()));
            case "retrieve":
                return text(client.responses().retrieve("resp_none"));
            case "stream":
                StringBuilder text = new StringBuilder();
                try (StreamResponse<ResponseStreamEvent> stream =
                        client.responses().createStreaming(request.build())) {
                    stream.stream().forEach(
                            event -> event.outputTextDelta().ifPresent(delta -> text.append(delta.delta())));
                }
                return text.toString();
            case "tool":
                return tool(client, request);
            default:
                throw new IllegalArgumentException(scenario);
        }
    }

    private static String tool(OpenAIClient client, ResponseCreateParams.Builder request) throws Exception {
        FunctionTool.Parameters parameters = FunctionTool.Parameters.builder()
                .putAdditionalProperty("type", JsonValue.from("object"))
                .putAdditionalProperty("properties", JsonValue.from(Map.of("city", Map.of("type", "string"))))
                .putAdditionalProperty("required", JsonValue.from(List.of("city")))
                .putAdditionalProperty("additionalProperties", JsonValue.from(false))
                .build();
        request.addTool(FunctionTool.builder().name("weather").parameters(parameters).strict(true).build());
        Response asked = client.responses().create(request.build());
        ResponseFunctionToolCall call =
                asked.output().stream().flatMap(item -> item.functionCall().stream()).findFirst().orElseThrow();
        String city = new ObjectMapper().readTree(call.arguments()).get("city").asText();
        ResponseInputItem output = ResponseInputItem.ofFunctionCallOutput(ResponseInputItem.FunctionCallOutput.builder()
                .callId(call.callId())
                .output("21 degrees in " + city)
                .build());
        request.inputOfResponse(List.of(output)).previousResponseId(asked.id());
        return text(client.responses().create(request.build()));
    }

    private static String text(Response response) {
        return response.output().stream()
                .flatMap(item -> item.message().stream())
                .flatMap(message -> message.content().stream())
                .flatMap(content -> content.outputText().stream())
                .map(part -> part.text())
                .collect(Collectors.joining());
    }
}
