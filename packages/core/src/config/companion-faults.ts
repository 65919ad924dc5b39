import { type Fault, faultAt, type Path } from './fault.js';
import { innerPathFault, withoutEnd } from './inner-path.js';
import { s3Faults } from './s3-faults.js';
import { child, items, stringOf, type YamlTree } from './yaml-tree.js';

/** What holds between the companions of one source: each has a place of its own, and none lies in another. */
export function companionFaults(holder: YamlTree | undefined, path: Path): Fault[] {
  const before: string[] = [];
  return items(child(holder, 'companions')).flatMap((companion, index) => {
    const here = [...path, 'companions', index];
    const faults = s3Faults(companion, here, { place: 'from', only: ['s3'] });
    const to = child(companion, 'to');
    const written = stringOf(to);
    if (to === undefined || written === undefined || innerPathFault(written) !== undefined) return faults;
    const place = withoutEnd(written);
    const other = before.find((one) => covers(one, place) || covers(place, one));
    before.push(place);
    if (other === undefined) return faults;
    return [
      ...faults,
      other === place
        ? faultAt(to.offset, [...here, 'to'], 'another companion of the source has this place', 'duplicate')
        : faultAt(
            to.offset,
            [...here, 'to'],
            'one companion of the source would lie in another: give each a place of its own',
          ),
    ];
  });
}

const covers = (one: string, other: string): boolean => one === other || other.startsWith(`${one}/`);
