/** The `state` of the address to which a browser returns after it has signed out: at the provider too, or only here. */
export const signedOut = { everywhere: 'signed-out', here: 'signed-out-here' } as const;
