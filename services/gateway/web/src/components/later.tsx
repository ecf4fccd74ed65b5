import { type ComponentType, lazy, type ReactNode, Suspense, useState } from "react";
import { Boundary } from "./Boundary";

interface Around {
  /** The part as a noun, for who reads that it did not come. */
  what: string;
  /** In its place until it is there. */
  waiting?: ReactNode;
  /** Around what is told where it did not come: a box, for a part that is one. */
  frame?: (told: ReactNode) => ReactNode;
}

/**
 * A part that comes when it is first shown. Where it does not come, that is told in its place, the page around it stays,
 * and another try, or showing it again, asks for it anew: `lazy` alone would give the same failure for ever.
 */
export function later<Props extends object>(load: () => Promise<ComponentType<Props>>) {
  const begin = (): ComponentType<object> =>
    lazy(async () => {
      try {
        return { default: (await load()) as ComponentType<object> };
      } catch (error) {
        latest = begin();
        throw error;
      }
    });
  let latest = begin();
  // biome-ignore lint/correctness/noComponentHookFactories: made once for each part, as `lazy` makes one
  return function Later({ what, waiting = null, frame, ...props }: Props & Around) {
    const [Part, setPart] = useState(() => latest);
    return (
      <Boundary what={what} resetKey={what} onRetry={() => setPart(() => latest)} frame={frame}>
        <Suspense fallback={waiting}>
          <Part {...props} />
        </Suspense>
      </Boundary>
    );
  };
}
