import { Component, type ReactNode } from "react";
import { BlockError } from "./BlockError";

interface Props {
  /** The boundary tries again when this changes: the address of the page. */
  resetKey?: string;
  /** The block as a noun; absent: the page. */
  what?: string;
  /** What another try needs besides, as asking anew for what did not come. */
  onRetry?: () => void;
  /** Around what is told. */
  frame?: (told: ReactNode) => ReactNode;
  children: ReactNode;
}

/** What fails inside is told in its place; the rest of the page goes on. */
export class Boundary extends Component<Props, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override componentDidUpdate(before: Props): void {
    if (before.resetKey !== this.props.resetKey && this.state.error !== undefined) {
      this.setState({ error: undefined });
    }
  }

  override render(): ReactNode {
    if (this.state.error === undefined) {
      return this.props.children;
    }
    const { what, onRetry, frame = told => told } = this.props;
    const retry = (): void => {
      onRetry?.();
      this.setState({ error: undefined });
    };
    return frame(<BlockError what={what} error={this.state.error} retry={retry} />);
  }
}
