import { useEffect, useState } from "preact/hooks";

const themes = ["system", "light", "dark"] as const;
type Theme = (typeof themes)[number];
const stored = "theme";

/** A browser may keep nothing, and say so by an error. */
function read(): Theme {
  try {
    const found = localStorage.getItem(stored);
    return themes.find((theme) => theme === found) ?? "system";
  } catch {
    return "system";
  }
}

function keep(theme: Theme): void {
  try {
    localStorage.setItem(stored, theme);
  } catch {
    // Then it is for this page alone.
  }
}

/** Light, dark, or what the system has; kept in this browser. */
export function ThemeButton() {
  const [theme, setTheme] = useState(read);
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    keep(theme);
    dispatchEvent(new Event("tripline:theme"));
  }, [theme]);
  return (
    <label class="theme">
      Theme
      <select value={theme} onChange={(event) => setTheme(event.currentTarget.value as Theme)}>
        {themes.map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  );
}
