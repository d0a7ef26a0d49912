cwd=/lab/cwd env=[] stdin=/dev/null
apache2 -DFOREGROUND -f /lab/apache.conf
# in apache.conf:
User www-data
MDStoreDir /lab/md
MDCertificateAuthority https://localhost:14000/dir
MDCACertificateFile /lab/ca.pem
MDCertificateAgreement accepted
MDContactEmail hostmaster@example.test
MDCAChallenges dns-01
MDChallengeDns01 /lab/hooks/md
MDChallengeDns01Version 1
MDMessageCmd /lab/hooks/md
MDPrivateKeys RSA 2048
MDRenewMode always
MDomain example.test *.example.test
# once renewed: kill -USR1, and at the end kill -TERM
exit=0
