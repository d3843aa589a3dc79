package tripline.connect;

import java.util.Properties;
import org.postgresql.plugin.AuthenticationPlugin;
import org.postgresql.plugin.AuthenticationRequestType;
import org.postgresql.util.PSQLException;
import org.postgresql.util.PSQLState;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.protocols.jsoncore.JsonNode;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * Gives the PostgreSQL driver the password that a secret of Secrets Manager holds at the moment, for each connection that it opens. So
 * the password is in no configuration, and a connector goes on when it is changed.
 *
 * <p>Connection properties: {@code triplineSecret}, the secret's name or ARN, and {@code triplineRegion}. The secret is JSON with
 * {@code username} and {@code password}; the user is the driver's own property.
 */
public final class SecretPassword implements AuthenticationPlugin {
  private final String secret;
  private final Region region;

  /** Called by the driver, with the properties of the connection. */
  public SecretPassword(Properties properties) {
    secret = required(properties, "triplineSecret");
    region = Region.of(required(properties, "triplineRegion"));
  }

  private static String required(Properties properties, String name) {
    String value = properties.getProperty(name);
    if (value == null || value.isBlank()) {
      throw new IllegalArgumentException("SecretPassword needs the connection property " + name + ": set driver." + name);
    }
    return value;
  }

  @Override
  public char[] getPassword(AuthenticationRequestType type) throws PSQLException {
    // Connections are opened once in a while: a client that waits for the next one would keep more than it saves.
    try (SecretsManagerClient client =
        SecretsManagerClient.builder().region(region).httpClient(UrlConnectionHttpClient.create()).build()) {
      String text = client.getSecretValue(request -> request.secretId(secret)).secretString();
      return JsonNode.parser().parse(text).asObject().get("password").asString().toCharArray();
    } catch (SdkException error) {
      throw new PSQLException("The secret " + secret + " could not be read: " + error.getMessage(), PSQLState.CONNECTION_REJECTED, error);
    } catch (RuntimeException error) {
      // Its message could hold what the secret holds.
      throw new PSQLException("The secret " + secret + " is not JSON with a password", PSQLState.CONNECTION_REJECTED);
    }
  }
}
