package tripline.connect;

import java.io.IOException;
import java.io.InputStream;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Collection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.postgresql.ssl.WrappedFactory;

/**
 * Trusts the authorities that sign the certificates of RDS, which Java does not know, and nobody else. With {@code sslmode=verify-full} the
 * driver checks the server's name as well.
 */
public final class RdsAuthorities extends WrappedFactory {
  static final String RESOURCE = "/rds-authorities.pem";

  /** Called by the driver. */
  public RdsAuthorities() throws GeneralSecurityException, IOException {
    KeyStore authorities = KeyStore.getInstance(KeyStore.getDefaultType());
    authorities.load(null);
    try (InputStream pem = RdsAuthorities.class.getResourceAsStream(RESOURCE)) {
      if (pem == null) throw new IOException(RESOURCE + " is not in this jar");
      Collection<? extends Certificate> certificates = CertificateFactory.getInstance("X.509").generateCertificates(pem);
      int count = 0;
      for (Certificate certificate : certificates) authorities.setCertificateEntry("rds-" + count++, certificate);
    }
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(authorities);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    factory = context.getSocketFactory();
  }
}
