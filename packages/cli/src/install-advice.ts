/** Kinds of machine for which the packages are known by name. */
export type Platform = 'debian' | 'fedora' | 'alpine' | 'macos' | 'other';

/** @param osRelease the text of /etc/os-release, where there is one. */
export function platformOf(os: NodeJS.Platform, osRelease: string): Platform {
  if (os === 'darwin') return 'macos';
  const names = [...osRelease.matchAll(/^(?:ID|ID_LIKE)="?([^"\n]*)"?$/gm)].flatMap(([, ids]) =>
    (ids ?? '').split(' '),
  );
  if (names.some((name) => name === 'debian' || name === 'ubuntu')) return 'debian';
  if (names.some((name) => name === 'fedora' || name === 'rhel')) return 'fedora';
  return names.includes('alpine') ? 'alpine' : 'other';
}

export type Installable = 'docker' | 'bubblewrap' | 'postgresql';

/** The commands to type, as root (macOS: as the user); empty where the thing is not to be had there. */
export function installCommands(what: Installable, platform: Platform): readonly string[] {
  if (platform !== 'other') return COMMANDS[what][platform];
  return (['debian', 'fedora', 'alpine', 'macos'] as const).flatMap((each) =>
    COMMANDS[what][each].map((command) => `${NAMES[each]}: ${command}`),
  );
}

const COMMANDS: Readonly<
  Record<Installable, Readonly<Record<Exclude<Platform, 'other'>, readonly string[]>>>
> = {
  docker: {
    debian: ['apt-get install docker.io'],
    fedora: ['dnf install moby-engine', 'systemctl enable --now docker'],
    alpine: ['apk add docker', 'rc-service docker start'],
    macos: ['brew install --cask docker', 'open -a Docker'],
  },
  bubblewrap: {
    debian: ['apt-get install bubblewrap util-linux'],
    fedora: ['dnf install bubblewrap util-linux'],
    alpine: ['apk add bubblewrap util-linux'],
    macos: [],
  },
  postgresql: {
    debian: ['apt-get install postgresql'],
    fedora: ['dnf install postgresql-server postgresql-contrib'],
    alpine: ['apk add postgresql postgresql-contrib'],
    macos: [],
  },
};

const NAMES = { debian: 'Debian, Ubuntu', fedora: 'Fedora', alpine: 'Alpine', macos: 'macOS' } as const;
