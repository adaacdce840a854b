export default async function tearDown() {
  await globalThis.foyerTestServer?.stop();
}
