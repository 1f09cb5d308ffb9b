"""Login with Kakao, Naver and Google: django-allauth speaks OAuth, here stands what is ours about it."""
