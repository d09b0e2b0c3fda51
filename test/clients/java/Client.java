import com.fasterxml.jackson.databind.ObjectMapper;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.http.StreamResponse;
import com.openai.errors.OpenAIServiceException;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseStreamEvent;
import java.util.LinkedHashMap;
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

    private static String play(String scenario) {
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
            default:
                throw new IllegalArgumentException(scenario);
        }
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
