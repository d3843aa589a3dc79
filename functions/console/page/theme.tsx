import { useEffect, useState } from "preact/hooks";

const themes = ["system", "light", "dark"] as const;
type Theme = (typeof themes)[number];
const stored = "theme";

function read(): Theme {
  const found = localStorage.getItem(stored);
  return themes.find((theme) => theme === found) ?? "system";
}

/** Light, dark, or what the system has; kept in this browser. */
export function ThemeButton() {
  const [theme, setTheme] = useState(read);
  useEffect(() => {
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    localStorage.setItem(stored, theme);
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
