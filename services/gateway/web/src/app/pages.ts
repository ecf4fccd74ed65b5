import {
  AlertOutlined,
  ApiOutlined,
  BarChartOutlined,
  CalendarOutlined,
  ControlOutlined,
  SettingOutlined,
  SolutionOutlined,
  TeamOutlined,
  UserOutlined,
} from "@ant-design/icons";
import { type ComponentType, type LazyExoticComponent, lazy } from "react";
import type { Role } from "@/session/api";

export type PageName = "today" | "alerts" | "work" | "customers" | "team" | "overview" | "rules" | "feeds" | "admin";

export type Group = "daily" | "manage" | "run";

export interface NavEntry {
  name: PageName;
  path: string;
  group: Group;
  /** The key after `g`. */
  key: string;
  icon: ComponentType<{ "aria-hidden"?: boolean }>;
  roles: readonly Role[];
  /** Other addresses that belong to it. */
  also?: string;
}

const HEADS: readonly Role[] = ["head", "city_head"];
const DAILY: readonly Role[] = ["manager", ...HEADS, "analyst", "operations", "administrator"];

/** The navigation in its order. Who has no right to a page has no entry for it; the server decides all the same. */
export const NAVIGATION: readonly NavEntry[] = [
  { name: "today", path: "/today", group: "daily", key: "t", icon: CalendarOutlined, roles: ["manager", ...HEADS] },
  { name: "alerts", path: "/alerts", group: "daily", key: "a", icon: AlertOutlined, roles: DAILY },
  { name: "work", path: "/work", group: "daily", key: "w", icon: SolutionOutlined, roles: DAILY },
  { name: "customers", path: "/customers", group: "daily", key: "c", icon: UserOutlined, roles: DAILY },
  { name: "team", path: "/team", group: "manage", key: "m", icon: TeamOutlined, roles: [...HEADS, "administrator"] },
  {
    name: "overview",
    path: "/overview",
    group: "manage",
    key: "o",
    icon: BarChartOutlined,
    roles: [...HEADS, "analyst", "operations", "administrator"],
  },
  {
    name: "rules",
    path: "/rules",
    group: "manage",
    key: "r",
    icon: ControlOutlined,
    // A manager sees the reason of an alert; the rule behind it opens from there.
    roles: DAILY.filter(role => role !== "manager"),
    also: "/documents/",
  },
  {
    name: "feeds",
    path: "/feeds",
    group: "run",
    key: "f",
    icon: ApiOutlined,
    roles: ["operations", "integrator", "administrator"],
  },
  { name: "admin", path: "/admin", group: "run", key: "d", icon: SettingOutlined, roles: ["administrator"] },
];

export function entriesOf(role: Role): readonly NavEntry[] {
  return NAVIGATION.filter(entry => entry.roles.includes(role));
}

/** Live messages tell of alerts and work; who sees neither has none. */
export function hasLive(role: Role): boolean {
  return DAILY.includes(role);
}

/** Where somebody begins the day. */
export function landing(role: Role, unit?: string | null): string {
  switch (role) {
    case "manager":
      return "/today";
    case "head":
      return unit ? `/team/${encodeURIComponent(unit)}` : "/team";
    case "city_head":
    case "analyst":
      return "/overview";
    case "operations":
    case "integrator":
      return "/feeds";
    case "administrator":
      return "/admin";
    default:
      return "/alerts";
  }
}

/** Pages by their routes; each is a piece of its own that is loaded when it is opened. */
export const ROUTES: readonly { path: string; page: LazyExoticComponent<ComponentType> }[] = [
  { path: "/today", page: lazy(() => import("@/pages/today")) },
  { path: "/alerts/:id?", page: lazy(() => import("@/pages/alerts")) },
  { path: "/work/:id?", page: lazy(() => import("@/pages/work")) },
  { path: "/customers", page: lazy(() => import("@/pages/customers")) },
  { path: "/customers/:id", page: lazy(() => import("@/pages/customer")) },
  { path: "/pop", page: lazy(() => import("@/pages/pop")) },
  { path: "/team/:unit?", page: lazy(() => import("@/pages/team")) },
  { path: "/team/:unit/reassign/:draft", page: lazy(() => import("@/pages/team")) },
  { path: "/overview", page: lazy(() => import("@/pages/overview")) },
  { path: "/rules/:id?", page: lazy(() => import("@/pages/rules")) },
  { path: "/rules/:id/edit", page: lazy(() => import("@/pages/rules")) },
  { path: "/rules/:id/trials/:run", page: lazy(() => import("@/pages/rules")) },
  { path: "/documents/:kind/:id?", page: lazy(() => import("@/pages/documents")) },
  { path: "/documents/:kind/:id/edit", page: lazy(() => import("@/pages/documents")) },
  { path: "/why/*", page: lazy(() => import("@/pages/why")) },
  { path: "/feeds", page: lazy(() => import("@/pages/feeds")) },
  { path: "/feeds/:section/:id", page: lazy(() => import("@/pages/feeds")) },
  { path: "/admin/:section?/:id?", page: lazy(() => import("@/pages/admin")) },
  { path: "/notices", page: lazy(() => import("@/pages/notices")) },
  { path: "/jobs/:id?", page: lazy(() => import("@/pages/jobs")) },
];
