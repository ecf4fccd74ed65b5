import { call, Problem } from "@/api/client";

export const ROLES = ["manager", "head", "city_head", "analyst", "operations", "administrator", "integrator"] as const;

export type Role = (typeof ROLES)[number];

/** Who is signed in. */
export interface Me {
  staff_no: string;
  name: string | null;
  role: Role;
  unit_id?: string | null;
  manager_id?: string | null;
  must_change_password?: boolean;
  /** The identity provider said who it is, and not a password of ours. */
  single_sign_on?: boolean;
}

/** An account of the embedded demo (`kam accounts`). */
export interface DemoAccount {
  staff_no: string;
  password: string;
  role: Role;
  name: string | null;
}

const PATH = "/v1/session";
/** Asked without the page's own way of signing in again: these are that way. */
const PLAIN = { again: false };

/** Who is signed in; null: nobody. */
export async function whoAmI(): Promise<Me | null> {
  try {
    return await call<Me>("GET", PATH, undefined, PLAIN);
  } catch (error) {
    if (error instanceof Problem && (error.status === 401 || error.status === 404)) {
      return null;
    }
    throw error;
  }
}

export function signIn(staffNo: string, password: string): Promise<Me> {
  return call<Me>("POST", PATH, { staff_no: staffNo, password }, PLAIN);
}

export async function signOut(everywhere = false): Promise<void> {
  await call<void>("DELETE", everywhere ? `${PATH}s` : PATH, undefined, PLAIN);
}

export async function changePassword(current: string, next: string): Promise<void> {
  await call<Me>("PUT", `${PATH}/password`, { current, new: next });
}

/** Whether the sign-in page offers single sign-on; `away`: the identity provider did not answer just now. */
export type SingleSignOn = "off" | "on" | "away";

export async function singleSignOn(): Promise<SingleSignOn> {
  try {
    const said = await call<{ single_sign_on: SingleSignOn }>("GET", `${PATH}/options`, undefined, PLAIN);
    return said.single_sign_on;
  } catch {
    return "off";
  }
}

/** Where the browser goes to sign in at the identity provider, and then to `next`. What stands behind its `#` is what
 * somebody searched for: it stays here. */
export function singleSignOnAddress(next: string): string {
  const page = next.split("#", 1)[0] ?? "/";
  return `${PATH}/sso${page === "/" ? "" : `?next=${encodeURIComponent(page)}`}`;
}

/** Where the browser goes to sign out at the identity provider too. */
export const LEAVE_SINGLE_SIGN_ON = `${PATH}/sso/leave`;

/** Accounts to try, in the embedded demo; elsewhere there are none. */
export async function demoAccounts(): Promise<DemoAccount[]> {
  try {
    return await call<DemoAccount[]>("GET", `${PATH}/demo-accounts`, undefined, PLAIN);
  } catch {
    return [];
  }
}
