import { ConsoleError } from "./http/errors.ts";
import type { Content } from "./http/response.ts";

/** The page as it was bundled: files by name, `index.html` among them. Those in `assets/` have a digest of their content in their name. */
export type PageFiles = Readonly<Record<string, string>>;

export interface Page {
  /** @throws {ConsoleError} NOT_FOUND */
  serve(path: string): Content;
}

const contentTypes: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

export function createPage(files: PageFiles): Page {
  return {
    serve(path) {
      const name = path.slice(1);
      if (Object.hasOwn(files, name) && name !== "index.html") return contentOf(files, name);
      // A view of the page has an address of its own, which the page itself understands. A file that is not there is another matter, as when
      // the page is of an earlier version.
      if (name.startsWith("assets/") || /^[^/]*\./.test(name)) {
        throw new ConsoleError("NOT_FOUND", `There is no ${path}.`);
      }
      return contentOf(files, "index.html");
    },
  };
}

function contentOf(files: PageFiles, name: string): Content {
  const extension = name.slice(name.lastIndexOf(".") + 1);
  return {
    contentType: contentTypes[extension] ?? "application/octet-stream",
    body: files[name] ?? "",
    isImmutable: name.startsWith("assets/"),
  };
}
