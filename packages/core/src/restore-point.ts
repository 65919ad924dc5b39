/** Which backup of a source a drill restores. */
export type RestorePoint =
  | { readonly kind: 'latest' }
  | { readonly kind: 'oldest' }
  | { readonly kind: 'id'; readonly id: string };
