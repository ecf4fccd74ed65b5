/** The colours of ui.md section 5, in one place: antd, our own CSS (as `--kam-…`), charts and their tests read these. */

export type Mode = "light" | "dark";

/** Text on its ground. */
export interface Pair {
  text: string;
  ground: string;
}

export interface Palette {
  layout: string;
  card: string;
  raised: string;
  text: string;
  secondary: string;
  placeholder: string;
  /** Border of what can be operated: visible to everybody (3 : 1). */
  border: string;
  /** Line between things, for order only. */
  line: string;
  hover: string;
  selected: string;
  /** Ground of buttons with white text. */
  primary: string;
  primaryHover: string;
  primaryActive: string;
  /** Primary as text, links and the ring of the focus. */
  link: string;
  error: string;
  warning: string;
  success: string;
  errorTint: string;
  warningTint: string;
  successTint: string;
  infoTint: string;
  critical: Pair;
  major: Pair;
  minor: Pair;
  star6: Pair;
  star5: Pair;
  star4: Pair;
  starPlain: Pair;
  churn: string;
  arrears: string;
  complaint: string;
  contract: string;
  /** The band of what is normal, and the line of a rule, in charts. */
  band: string;
  ruleLine: string;
  /** A difference for the better, for the worse: never green and red. */
  better: string;
  worse: string;
  heat: readonly [string, string, string, string, string];
}

const light: Palette = {
  layout: "#F5F7FA",
  card: "#FFFFFF",
  raised: "#FFFFFF",
  text: "#1F2328",
  secondary: "#57606A",
  placeholder: "#667080",
  border: "#858E9B",
  line: "#E1E5EB",
  hover: "#F0F3F8",
  selected: "#E7EFFC",
  primary: "#1F5FD6",
  primaryHover: "#1A52BA",
  primaryActive: "#15449B",
  link: "#1F5FD6",
  error: "#B3261E",
  warning: "#8A5300",
  success: "#166B4F",
  errorTint: "#FDECEA",
  warningTint: "#FFF4DC",
  successTint: "#E6F4EE",
  infoTint: "#E7EFFC",
  critical: { text: "#FFFFFF", ground: "#B3261E" },
  major: { text: "#5C3500", ground: "#FFE0A3" },
  minor: { text: "#0B4FB3", ground: "#FFFFFF" },
  star6: { text: "#FFD76A", ground: "#1D2B4F" },
  star5: { text: "#FFFFFF", ground: "#3F51A3" },
  star4: { text: "#2E3C7E", ground: "#DDE2F7" },
  starPlain: { text: "#2E3C7E", ground: "#FFFFFF" },
  churn: "#8C53D8",
  arrears: "#814215",
  complaint: "#3C9E86",
  contract: "#12367A",
  band: "#E4E8EE",
  ruleLine: "#57606A",
  better: "#1F5FD6",
  worse: "#B25000",
  heat: ["#EAF1FD", "#B9D0F7", "#7FA8EE", "#3F78DD", "#123F94"],
};

const dark: Palette = {
  layout: "#0E1014",
  card: "#16191F",
  raised: "#1E222A",
  text: "#E6E9EE",
  secondary: "#9AA4B2",
  placeholder: "#8A94A3",
  border: "#757D89",
  line: "#2A2F38",
  hover: "#20252E",
  selected: "#1B2A45",
  primary: "#2E6AD6",
  primaryHover: "#2A60C2",
  primaryActive: "#2454AC",
  link: "#8AB8FF",
  error: "#FF9A8F",
  warning: "#FFD27A",
  success: "#6FD3AE",
  errorTint: "#3B1A18",
  warningTint: "#3D2A00",
  successTint: "#12332A",
  infoTint: "#1B2A45",
  critical: { text: "#16191F", ground: "#FF9A8F" },
  major: { text: "#FFD27A", ground: "#3D2A00" },
  minor: { text: "#8AB8FF", ground: "#16191F" },
  star6: { text: "#FFD76A", ground: "#0F1A38" },
  star5: { text: "#16191F", ground: "#AEB9F2" },
  star4: { text: "#C9D1FA", ground: "#2A3157" },
  starPlain: { text: "#C9D1FA", ground: "#16191F" },
  churn: "#8B6398",
  arrears: "#F58C3A",
  complaint: "#5FE3C6",
  contract: "#76B3FF",
  band: "#2A2F38",
  ruleLine: "#9AA4B2",
  better: "#8AB8FF",
  worse: "#FFB066",
  heat: ["#1B2436", "#20406F", "#2A5CA8", "#4E86DE", "#A9CBFF"],
};

export const palettes: Record<Mode, Palette> = { light, dark };

export const FONT = '"PingFang SC","Microsoft YaHei UI","Noto Sans CJK SC",system-ui,sans-serif';
export const RADIUS = 6;
export const ROW = 40;
export const ROW_COMPACT = 32;
export const TOUCH = 44;

/** The palette as CSS variables: `star6.ground` becomes `--kam-star6-ground`, `heat[0]` becomes `--kam-heat-0`. */
export function cssVariables(palette: Palette): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(palette)) {
    const stem = `--kam-${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}`;
    if (typeof value === "string") {
      found[stem] = value;
    } else {
      for (const [part, color] of Object.entries(value)) {
        found[`${stem}-${part}`] = color as string;
      }
    }
  }
  return found;
}
