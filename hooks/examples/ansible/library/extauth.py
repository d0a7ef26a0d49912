#!/usr/bin/python3
"""Ansible module: obtains certificates through extauth-json exec."""

import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r'''
module: extauth
short_description: Obtain certificates with an ACME client
description:
  - Runs an ACME client under C(extauth-json exec) and performs its challenges, with files
    below a document root or with commands.
  - If a challenge cannot be performed, those before it are cleaned up, the client gets an
    error, and the task fails.
  - Set C(no_log) for the task if a command line has a secret.
options:
  client:
    description: Command line of the client. For certbot use C(certbot run), which names the
      certificates that it deploys; C(certonly) does not.
    type: list
    elements: str
    required: true
  webroot:
    description: Document root of the web server, for challenges of type http-01. Links in it
      are not followed.
    type: path
  perform:
    description: Command that performs a challenge of another type, or of any type without
      I(webroot). It gets a line of JSON on standard input; its exit status is its answer,
      its standard error the reason.
    type: list
    elements: str
  cleanup:
    description: Command that undoes what I(perform) did, all or in part.
    type: list
    elements: str
'''

RETURN = r'''
certificates:
  description: Paths of the deployed certificates, one item per name. C(changed) is true if
    there are any.
  type: list
challenges:
  description: The challenges that were asked for.
  type: list
report:
  description: Lines of the report that ends the stream.
  type: list
stderr:
  description: What the client printed.
  type: str
'''


class ChallengeError(Exception):
    """A challenge was not performed, or not cleaned up."""


def run(command, line):
    """Runs a command with an event on standard input. It does not wait for what the
    command leaves in the background, as ssh does with ControlPersist."""
    with tempfile.TemporaryFile() as stderr:
        done = subprocess.run(command, input=line, stdout=subprocess.DEVNULL, stderr=stderr)
        stderr.seek(0)
        said = stderr.read().decode(errors='replace').strip()
    if done.returncode != 0:
        raise ChallengeError('%s: exit status %d: %s' % (command[0], done.returncode, said))


def open_directory(webroot):
    """Opens the directory of the challenges. The owner of the document root can put links into
    it, and this may run as root, so links are not followed."""
    opened = os.open(webroot, os.O_RDONLY | os.O_DIRECTORY)
    for name in '.well-known', 'acme-challenge':
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=opened)
        below = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=opened)
        os.close(opened)
        opened = below
    return opened


def publish(webroot, event):
    """Writes the file of a challenge, or removes it."""
    token = event['token']
    if not re.fullmatch('[A-Za-z0-9_-]+', token):
        raise ChallengeError('the token %r is not a file name' % token)
    umask = os.umask(0o022)  # the web server is somebody else
    try:
        directory = open_directory(webroot)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(token, dir_fd=directory)
        if event['cmd'] == 'perform_challenge':
            file = os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=directory)
            os.write(file, event['validation'].encode())
            os.close(file)
        os.close(directory)
    finally:
        os.umask(umask)


def answer(params, event, line):
    """Performs a challenge, or cleans it up."""
    task = 'perform' if event['cmd'] == 'perform_challenge' else 'cleanup'
    try:
        if event['type'] == 'http-01' and params['webroot']:
            publish(params['webroot'], event)
        elif params[task]:
            run(params[task], line)
        else:
            raise ChallengeError('there is no command for it')
    except (ChallengeError, OSError) as error:
        raise ChallengeError('%s %s for %s: %s' % (task, event['type'], event['domain'], error))


def pick(event, *names):
    return {name: event[name] for name in names if event.get(name)}


def converse(params, client, result, errors):
    """Answers the client until it has ended."""
    for line in client.stdout:
        event = json.loads(line)
        try:
            if event['cmd'] == 'perform_challenge':
                result['challenges'].append(pick(event, 'type', 'domain', 'txt_domain', 'uri', 'validation'))
                try:
                    answer(params, event, line)
                    client.stdin.write(b'\n')
                except ChallengeError:
                    client.stdin.close()  # what was performed comes back as cleanup
                    raise
            elif event['cmd'] == 'cleanup':
                answer(params, event, line)
            elif event['cmd'] == 'deploy_cert':
                result['certificates'].append(
                    pick(event, 'domain', 'cert_path', 'key_path', 'chain_path', 'fullchain_path'))
            elif event['cmd'] == 'report':
                result['report'] += [text for message in event['messages'] for text in message['lines']]
        except (ChallengeError, OSError) as error:
            errors.append(str(error))


def main():
    words = dict(type='list', elements='str')
    module = AnsibleModule(
        argument_spec=dict(client=dict(words, required=True), webroot=dict(type='path'),
                           perform=words, cleanup=words),
        required_one_of=[['webroot', 'perform']], required_together=[['perform', 'cleanup']])
    program = module.get_bin_path('extauth-json', required=True, opt_dirs=['/usr/local/bin'])
    result, errors = dict(certificates=[], challenges=[], report=[]), []
    with tempfile.TemporaryFile(dir=module.tmpdir) as stderr:
        with subprocess.Popen([program, 'exec', '--'] + module.params['client'], bufsize=0,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr) as client:
            for number in signal.SIGHUP, signal.SIGINT, signal.SIGTERM:
                signal.signal(number, lambda *_: client.terminate())  # it asks for cleanup, and ends
            converse(module.params, client, result, errors)
        stderr.seek(0)
        result.update(stderr=stderr.read().decode(errors='replace'), rc=client.returncode,
                      changed=bool(result['certificates']))
    if errors or client.returncode != 0:
        errors.append('the client ended with status %d' % client.returncode)
        module.fail_json(msg='; '.join(errors), **result)
    module.exit_json(**result)


if __name__ == '__main__':
    main()
