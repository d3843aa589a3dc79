import { createHash, createHmac, pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";

const iterations = 4_096;
const keyBytes = 32;

/**
 * What PostgreSQL keeps of a password. `alter role … password` takes it in place of the password, which then is in no statement and
 * in no log.
 *
 * @param password of ASCII characters: others would have to be prepared by SASLprep first
 * @see https://www.postgresql.org/docs/current/catalog-pg-authid.html and RFC 5803
 */
export async function scramVerifier(password: string, salt: Buffer = randomBytes(16)): Promise<string> {
  const salted = await promisify(pbkdf2)(password, salt, iterations, keyBytes, "sha256");
  const key = (name: string) => createHmac("sha256", salted).update(name).digest();
  const storedKey = createHash("sha256").update(key("Client Key")).digest("base64");
  const serverKey = key("Server Key").toString("base64");
  return `SCRAM-SHA-256$${iterations}:${salt.toString("base64")}$${storedKey}:${serverKey}`;
}
