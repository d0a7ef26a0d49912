package process

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// CheckUser checks that this process can run programs as a user (user=).
func CheckUser(name string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("user=: only root can run handlers as another user")
	}
	_, err := credentialOf(name)
	return err
}

// credentialOf looks up a user's uid, gid and groups in the user database.
func credentialOf(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("user=: there is no user %q", name)
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("user=: groups of %q: %w", name, err)
	}
	c := &syscall.Credential{}
	for _, id := range ids {
		gid, err := strconv.ParseUint(id, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("user=: %q has the group %q", name, id)
		}
		c.Groups = append(c.Groups, uint32(gid))
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	if uidErr != nil || gidErr != nil {
		return nil, fmt.Errorf("user=: %q has no numeric ids", name)
	}
	c.Uid, c.Gid = uint32(uid), uint32(gid)
	return c, nil
}
