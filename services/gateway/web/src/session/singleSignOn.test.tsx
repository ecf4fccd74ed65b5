import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";
import { singleSignOnAddress } from "./api";
import { SingleSignOn } from "./SingleSignOn";

afterEach(() => vi.unstubAllGlobals());

function show(state: string, outcome?: string, reference?: string): void {
  vi.stubGlobal("fetch", async () => Response.json({ single_sign_on: state }));
  render(
    <QueryClientProvider client={new QueryClient()}>
      <SingleSignOn next="/work#q=1" outcome={outcome} reference={reference} />
    </QueryClientProvider>,
  );
}

it("is a link to the gateway, which leads on to the provider", async () => {
  show("on");
  const link = await screen.findByRole("link", { name: "统一认证登录" });
  expect(link.getAttribute("href")).toBe("/v1/session/sso?next=%2Fwork");
  expect(screen.getByRole("alert").textContent).toBe("");
});

it("is not there where none is set up, whatever a link says", async () => {
  show("off", "refused");
  await new Promise(done => setTimeout(done, 20));
  expect(screen.queryByRole("link")).toBeNull();
  expect(screen.queryByRole("alert")).toBeNull();
});

it.each([
  ["on", "refused", "0123456789abcdef", "这个账号在本平台没有开通或已停用，请找管理员。 编号 0123456789abcdef"],
  ["on", "away", undefined, "统一认证不可用，可用工号登录"],
  ["away", undefined, undefined, "统一认证不可用，可用工号登录"],
  ["on", "constructor", undefined, ""],
  ["on", "again", "call 0123456", "统一认证登录没有完成，请再试一次。"],
])("provider %s, ended %s, %s: says so", async (state, outcome, reference, text) => {
  show(state, outcome, reference);
  await screen.findByRole("link");
  expect(screen.getByRole("alert").textContent?.trim()).toBe(text);
});

it.each([
  ["/", "/v1/session/sso"],
  ["/alerts?kind=arrears&sort=-due#q=x", "/v1/session/sso?next=%2Falerts%3Fkind%3Darrears%26sort%3D-due"],
])("goes on to %s", (next, address) => expect(singleSignOnAddress(next)).toBe(address));
