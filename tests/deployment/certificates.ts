import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

// Certificates as RDS has them: an authority, another below it that signs for servers and is sent along by them, and the server's own.

/** In PEM. */
export interface Authority {
  readonly name: string;
  readonly key: string;
  readonly certificate: string;
}

/** What a server shows, in PEM: its key, and its certificate with those up to the authority, which is not among them. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

const isAuthority = "basicConstraints=critical,CA:TRUE";

/** An authority that signs itself. */
export function makeAuthority(name: string): Authority {
  return make(name, isAuthority);
}

/** A server of this name, whose certificate is signed by an authority below the given one. */
export function makeIdentity(dnsName: string, root: Authority): Identity {
  const below = make(`${root.name}, below`, isAuthority, root);
  const { key, certificate } = make(dnsName, `subjectAltName=DNS:${dnsName}`, below);
  return { key, cert: certificate + below.certificate };
}

function make(name: string, extension: string, above?: Authority): Authority {
  const folder = mkdtempSync(join(tmpdir(), "tripline-certificates-"));
  const file = (name: string) => join(folder, name);
  try {
    // The smallest of the kinds that RDS offers, and its default: rds-ca-rsa2048-g1.
    const request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "2", "-subj", `/CN=${name}`];
    const signer = above === undefined ? [] : ["-CA", file("above.pem"), "-CAkey", file("above.key")];
    if (above !== undefined) {
      writeFileSync(file("above.pem"), above.certificate);
      writeFileSync(file("above.key"), above.key, { mode: 0o600 });
    }
    // A configuration of its own: that of the system adds extensions.
    writeFileSync(file("openssl.cnf"), "[req]\ndistinguished_name = name\n[name]\n");
    const output = ["-keyout", file("own.key"), "-out", file("own.pem")];
    execFileSync("openssl", [...request, "-config", file("openssl.cnf"), "-addext", extension, ...signer, ...output], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    return { name, key: readFileSync(file("own.key"), "utf8"), certificate: readFileSync(file("own.pem"), "utf8") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
