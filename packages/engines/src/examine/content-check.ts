/** Looks at the plain bytes of a dump as they come by. Both throw `truncated` or `corrupt`. */
export interface ContentCheck {
  write(bytes: Buffer): void;
  end(): void;
}
