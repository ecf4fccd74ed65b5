import { describe, expect, it } from "vitest";
import { Problem } from "./problem";
import { createQueryClient } from "./queries";

async function readTwice(status: number): Promise<unknown> {
  const client = createQueryClient();
  const queryKey = ["customer-view", "c1"];
  await client.fetchQuery({ queryKey, queryFn: () => Promise.resolve("王小明") });
  await client
    .fetchQuery({ queryKey, queryFn: () => Promise.reject(new Problem(status, {})), staleTime: 0, retry: false })
    .catch(() => undefined);
  return client.getQueryData(queryKey);
}

describe("what was read before", () => {
  it("goes when it is not to be seen any more", async () => {
    expect(await readTwice(404)).toBeUndefined();
    expect(await readTwice(403)).toBeUndefined();
  });

  it("stays when a service is away", async () => {
    expect(await readTwice(503)).toBe("王小明");
  });
});
