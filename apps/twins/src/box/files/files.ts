import { accessDenied, clientError, insufficientScope, notFound } from '../http/errors.ts';
import type { Route, RouteContext } from '../http/router.ts';
import { emptyAnswer, type Answer, type WireRequest } from '../http/wire.ts';
import type { World } from '../world.ts';

/** The content of a file, as in OpenAPI get_files_id_content. */
export const fileRoutes: Route[] = [{ method: 'GET', path: '/2.0/files/:id/content', handle: download }];

/** Responds with 302 to an address that needs no token ("Download file" of the OpenAPI, and the guide "Downloads"). */
function download({ world, caller, params, host }: RouteContext): Answer {
  const id = params.id ?? '';
  if (!/^\d+$/.test(id)) throw clientError(405, 'method_not_allowed', 'Method Not Allowed');
  const { scopes, resource } = caller.token;
  if (scopes && !scopes.includes('item_download')) throw insufficientScope();
  if (resource && (resource.type !== 'file' || resource.id !== id)) throw accessDenied();
  const item = world.items.owned(caller.user.id, id);
  if (item?.type !== 'file') throw notFound('file', id);
  return emptyAnswer(302, { location: `http://${host}${world.downloads.open(item, world.now())}` });
}

/** Sends as many bytes as the file has (the twin stores no content), with its name as in RFC 6266. */
export function answerDownload(world: World, { path }: WireRequest): Answer {
  const item = world.downloads.find(path, world.now());
  if (!item) return emptyAnswer(404);
  const name = encodeURIComponent(item.name).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16)}`,
  );
  return {
    status: 200,
    headers: {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment;filename*=UTF-8''${name}`,
    },
    body: 'x'.repeat(item.size),
  };
}
