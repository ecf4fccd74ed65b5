import { ConfigProvider } from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import { createContext, type ReactNode, useContext, useEffect, useMemo, useSyncExternalStore } from "react";
import { usePreferences } from "@/habits/preferences";
import { antdTheme } from "./antd";
import { nonce } from "./nonce";
import { cssVariables, type Mode, type Palette, palettes } from "./tokens";

const Context = createContext<Mode>("light");
const dark = globalThis.matchMedia?.("(prefers-color-scheme: dark)");
const calm = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)");

export function useMode(): Mode {
  return useContext(Context);
}

export function usePalette(): Palette {
  return palettes[useMode()];
}

export function useMatches(query: MediaQueryList | undefined): boolean {
  return useSyncExternalStore(
    listener => {
      query?.addEventListener("change", listener);
      return () => query?.removeEventListener("change", listener);
    },
    () => query?.matches ?? false,
  );
}

export function ThemeProvider({ children }: { children: ReactNode }) {
  const { theme: wanted, language, density } = usePreferences();
  const isDark = useMatches(dark);
  const isCalm = useMatches(calm);
  const mode: Mode = wanted === "auto" ? (isDark ? "dark" : "light") : wanted;
  const theme = useMemo(() => {
    const made = antdTheme(mode);
    return { ...made, token: { ...made.token, motion: !isCalm } };
  }, [mode, isCalm]);

  useEffect(() => {
    paint(mode);
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  }, [mode, language]);

  return (
    <Context value={mode}>
      <ConfigProvider
        theme={theme}
        csp={{ nonce }}
        locale={language === "zh" ? zhCN : enUS}
        componentSize={density === "compact" ? "small" : "medium"}
        button={{ autoInsertSpace: false }}
      >
        {children}
      </ConfigProvider>
    </Context>
  );
}

/** Sets the palette on the page, before the first paint and at every switch. */
export function paint(mode: Mode): void {
  const { style, dataset } = document.documentElement;
  for (const [name, value] of Object.entries(cssVariables(palettes[mode]))) {
    style.setProperty(name, value);
  }
  style.colorScheme = mode;
  dataset.theme = mode;
}
