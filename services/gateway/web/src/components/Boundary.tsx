import { Component, type ReactNode } from "react";
import { BlockError } from "./BlockError";

interface Props {
  /** The boundary tries again when this changes: the address of the page. */
  resetKey?: string;
  /** The block as a noun; absent: the page. */
  what?: string;
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
    return (
      <BlockError what={this.props.what} error={this.state.error} retry={() => this.setState({ error: undefined })} />
    );
  }
}
